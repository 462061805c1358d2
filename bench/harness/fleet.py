"""Brings contenders up before one upstream, and proves that each guards what it is said to guard."""

import collections
import dataclasses
import http.client
import pathlib

from . import templates
from .credentials import Credentials
from .failure import Failed
from .own import Keyward, NotYet
from .processes import free_port

BODIES = {"10k": 10 * 1024, "1m": 1024 * 1024}
WRONG = {"X-API-Key": "kw_live_nobody", "Authorization": "Bearer e30.e30.AAAA"}
FORM = "application/x-www-form-urlencoded"


@dataclasses.dataclass
class Target:
    """A contender that runs."""

    name: str
    pid: int
    port: int
    path: str
    headers: pathlib.Path | None
    first: list | None
    refused: bool
    answer_bytes: int = 3
    form: str | None = None

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}{self.path}"

    def with_body(self, name):
        """The same, asked for a larger answer."""
        path = f"{self.path.rpartition('/')[0]}/{name}"
        return dataclasses.replace(self, name=f"{self.name}:{name}", path=path, answer_bytes=BODIES[name])


class Fleet:
    """One upstream, and every server that the chosen contenders need."""

    def __init__(self, home, processes, options):
        self.home = pathlib.Path(home)
        self.processes = processes
        self.options = options
        self.credentials = Credentials(self.home, options)
        self.keyward = Keyward(options.binary, home, processes)
        self.servers = {}
        self.skipped = {}
        self.start_millis = collections.defaultdict(list)
        self.upstream = self._upstream()

    def values(self):
        return {
            "home": self.home, "upstream": self.upstream.port, "connections": self.options.room,
            "lua_folder": self.options.lua_folder, **self.credentials.values(),
        }

    def _upstream(self):
        bodies = self.home / "bodies"
        bodies.mkdir()
        for name, size in BODIES.items():
            (bodies / name).write_bytes(b"x" * size)
        port = free_port()
        values = {"home": self.home, "port": port, "workers": self.options.upstream_workers}
        config = templates.write("upstream.nginx", self.home / "upstream.conf", values)
        process = self.processes.start("upstream", [*self.options.other_place, "nginx", "-p", self.home, "-c", config])
        self.processes.wait_for(process, port)
        return process

    def bring_up(self, contenders):
        """A target for each contender that this build and this machine can run; why not for the others in `skipped`."""
        self.keyward.make_keys(self.options.keys, self.options.tokens, self.values())
        self.credentials.keys(self.keyward.keys, self.keyward.pairs)
        targets = {}
        for contender in contenders:
            try:
                target = self._target(contender)
            except NotYet as reason:
                self.skipped[contender.name] = str(reason)
                continue
            _prove(contender, target)
            targets[contender.name] = target
        return targets

    def _target(self, contender):
        if contender.program != "keyward":
            # A rival reads at its start what it is to know of the credentials.
            self.credentials.make(contender.credentials, lambda: None)
        server = self._server(contender)
        headers = self.credentials.make(contender.credentials, lambda: self.keyward.tokens(server.port, self.options.tokens))
        first = self.credentials.first.get(contender.credentials)
        target = Target(contender.name, server.pid, server.port, contender.path, headers, first, contender.refused)
        return dataclasses.replace(target, form=contender.form)

    def _server(self, contender):
        if contender.program == "upstream":
            return self.upstream
        place = contender.config or contender.program
        if place not in self.servers:
            self.servers[place] = self._start(contender.program, pathlib.Path(place).stem, contender.config)
        return self.servers[place]

    def _start(self, program, name, config):
        place = self.options.proxy_place
        if program == "keyward":
            process = self.keyward.serve(name, config, self.values(), self.keyward.copy_of_data(name), place)
            self.start_millis[program].append(process.start_millis)
            return process
        port = free_port()
        if program == "floor":
            arguments = [self.options.floor, f"127.0.0.1:{port}", f"127.0.0.1:{self.upstream.port}", "2"]
        else:
            path = templates.write(config, self.home / config, {**self.values(), "port": port})
            arguments = {
                "haproxy": ["haproxy", "-db", "-f", path],
                "nginx": ["nginx", "-p", self.home, "-c", path],
            }[program]
        process = self.processes.start(name, [*place, *arguments])
        self.processes.wait_for(process, port)
        return process


def _prove(contender, target):
    """A contender that lets everybody through, or nobody, would be fast and mean nothing."""
    right = dict([target.first]) if target.first else {}
    expected = (401,) if contender.refused else (200,)
    _expect(contender, target, right, expected)
    if contender.guards:
        _expect(contender, target, {}, (401,))
        _expect(contender, target, {name: WRONG[name] for name in right}, (401,))


def _expect(contender, target, headers, expected):
    connection = http.client.HTTPConnection("127.0.0.1", target.port, timeout=10)
    try:
        if target.form is None:
            connection.request("GET", target.path, headers=headers)
        else:
            connection.request("POST", target.path, target.form, {**headers, "Content-Type": FORM})
        status = connection.getresponse().status
    except OSError as error:
        raise Failed(f"{contender.name}: {error}") from None
    finally:
        connection.close()
    if status not in expected:
        raise Failed(f"{contender.name}: {status} where {expected[0]} belongs, with {sorted(headers)}")
