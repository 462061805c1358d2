"""Starts what a run needs on free ports of the loopback, waits until it answers, and ends all of it by process id."""

import os
import pathlib
import resource
import signal
import socket
import subprocess
import time

from .failure import Failed

START_SECONDS = 20
STOP_SECONDS = 10
GIVEN = set()


def free_port():
    """A port that nobody listens on, and that this run has not given away before."""
    for _ in range(100):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        if port not in GIVEN:
            GIVEN.add(port)
            return port
    raise Failed("no free port")


def raise_descriptors(wanted):
    """As many open files as are wanted or allowed, for this process and those it starts; how many there are."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    for limits in ((max(wanted, soft), max(wanted, hard)), (hard, hard)):
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, limits)
            break
        except (ValueError, OSError):
            continue
    return resource.getrlimit(resource.RLIMIT_NOFILE)[0]


class Processes:
    """What was started, with the log of each, until `stop`."""

    def __init__(self, home):
        self.home = pathlib.Path(home)
        self.running = []

    def start(self, name, arguments, environment=None):
        """Starts a program whose output goes to a file of the run."""
        path = self.home / f"{name}.log"
        began = time.monotonic()
        with open(path, "ab") as log:
            process = subprocess.Popen(
                [str(part) for part in arguments], stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=self.home,
                env={**os.environ, **(environment or {})},
            )
        process.log, process.name, process.began = path, name, began
        self.running.append(process)
        return process

    def wait_for(self, process, port):
        """Until the port accepts, noting how long it took; what the program said, if it ends or takes too long."""
        end = process.began + START_SECONDS
        while time.monotonic() < end and process.poll() is None:
            try:
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
                process.start_millis = (time.monotonic() - process.began) * 1000
                process.port = port
                return
            except OSError:
                time.sleep(0.002)
        said = process.log.read_text(errors="replace")[-2000:]
        raise Failed(f"{process.name} does not answer on port {port}:\n{said}")

    def end(self, process):
        """Asks a program to end, and kills it if it does not."""
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        if process in self.running:
            self.running.remove(process)

    def stop(self):
        """Ends everything, last started first."""
        for process in list(reversed(self.running)):
            self.end(process)
