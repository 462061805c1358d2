"""Keyward as a contender: its data, its keys by its own endpoint, its tokens by signing in."""

import http.client
import json
import pathlib
import shutil
import subprocess
import time

from . import templates
from .failure import Failed
from .processes import START_SECONDS, free_port

PASSWORD = "a password of the benchmark"
# What `config check` says of what this build does not know.
NOT_YET = ("is not in this version yet", "is not one of the words that stand here")


class NotYet(Exception):
    """This build does not serve that configuration."""


class Keyward:
    """One build, whose servers have the same keys."""

    def __init__(self, binary, home, processes):
        self.binary = binary
        self.home = pathlib.Path(home)
        self.processes = processes
        self.keys = []
        self.pairs = []

    def command(self, *arguments, data=None, given=None):
        """Runs one command; what it printed."""
        place = ["--data-dir", str(data)] if data else []
        done = subprocess.run(
            [self.binary, *arguments, *place], input=given, capture_output=True, text=True, timeout=60, cwd=self.home,
        )
        if done.returncode != 0:
            raise Failed(f"keyward {' '.join(arguments[:2])}: {done.stderr}{done.stdout}")
        return done.stdout.strip()

    def make_keys(self, count, pairs, values):
        """A data directory with that many keys and pairs of one owner, made over one connection."""
        data = self.home / "keys-data"
        self.command("init", data=data)
        maker = self.command("key", "create", "maker", "--scopes", "self:*,orders:*", data=data)
        self.command("user", "add", "bench", "--password-file", "-", data=data, given=PASSWORD)
        server = self.serve("keys", "keyward.yaml", values, data)
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
        headers = {"X-API-Key": maker, "Content-Type": "application/json"}
        for number in range(count):
            asked = {"name": f"bench-{number}", "scopes": ["orders:read", "orders:list"]}
            self.keys.append(_post(connection, "/_keyward/api-keys", asked, headers, 201)["key"])
        for number in range(pairs):
            asked = {"name": f"client-{number}", "scopes": ["orders:read", "orders:list"], "pair": True}
            made = _post(connection, "/_keyward/api-keys", asked, headers, 201)
            self.pairs.append((made["key"], made["secret"]))
        connection.close()
        self.processes.end(server)

    def copy_of_data(self, name):
        """The keys and users once more, for another server."""
        return pathlib.Path(shutil.copytree(self.home / "keys-data", self.home / f"{name}-data", ignore=shutil.ignore_patterns("*.sock")))

    def serve(self, name, config, values, data, place=()):
        """A server that answers; `NotYet` if this build does not know its configuration."""
        port = free_port()
        path = templates.write(config, self.home / f"{name}.yaml", {**values, "port": port, "admin": free_port()})
        environment = {"KEYWARD_BENCH_TOKEN_SECRET": values["token_secret"]}
        self._check(path, environment)
        arguments = [*place, self.binary, "serve", "--config", path, "--data-dir", data]
        process = self.processes.start(name, arguments, environment)
        self.processes.wait_for(process, port)
        _wait_until_ready(process)
        return process

    def _check(self, path, environment):
        done = subprocess.run(
            [self.binary, "config", "check", "--json", "--config", str(path)], capture_output=True, text=True, timeout=30,
            env=environment,
        )
        if done.returncode == 0:
            return
        messages = [mistake["message"] for mistake in json.loads(done.stdout)["mistakes"]]
        if all(message.endswith(NOT_YET) for message in messages):
            raise NotYet("; ".join(messages))
        raise Failed(f"{path.name}: {'; '.join(messages)}")

    def tokens(self, port, count):
        """Access tokens: one sign-in, each further one by refreshing."""
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        headers = {"Content-Type": "application/json"}
        asked = {"username": "bench", "password": PASSWORD}
        answer = _post(connection, "/_keyward/login", asked, headers, 200)
        tokens = [answer["access_token"]]
        while len(tokens) < count:
            asked = {"refresh_token": answer["refresh_token"]}
            answer = _post(connection, "/_keyward/refresh", asked, headers, 200)
            tokens.append(answer["access_token"])
        connection.close()
        return tokens


def _wait_until_ready(process):
    """Until requests can be decided: the port is open before."""
    while time.monotonic() < process.began + START_SECONDS:
        connection = http.client.HTTPConnection("127.0.0.1", process.port, timeout=START_SECONDS)
        try:
            connection.request("GET", "/_keyward/ready")
            if connection.getresponse().status == 200:
                process.start_millis = (time.monotonic() - process.began) * 1000
                return
        except OSError as error:
            raise Failed(f"{process.name}: {error}") from None
        finally:
            connection.close()
        time.sleep(0.002)
    raise Failed(f"{process.name} does not become ready")


def guess(key):
    """A key that nobody has, of the right form but for its check."""
    return key[:-1] + ("a" if key[-1] != "a" else "b")


def _post(connection, path, body, headers, expected):
    connection.request("POST", path, json.dumps(body), headers)
    answer = connection.getresponse()
    text = answer.read()
    if answer.status != expected:
        raise Failed(f"POST {path}: {answer.status} {text[:500]!r}")
    return json.loads(text)
