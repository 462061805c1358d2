"""Many sign-ins at once, each from an address of its own, again and again until they are ended. Linux only: all of 127/8 is local."""

import json
import os
import selectors
import socket
import threading
import time

from . import own, usage
from .failure import Failed

#: What a sign-in is answered: done, or turned away because many wait.
ANSWERS = (200, 429, 503)
#: How often whoever has its answer asks again.
EVERY_SECONDS = 1


class Logins:
    """They go on in a thread of their own for as long as the block lasts."""

    def __init__(self, target, count):
        self.target, self.count = target, count
        self.answered = dict.fromkeys(ANSWERS, 0)
        self.most_mib = 0.0
        self.failure = None
        self.over = threading.Event()
        self.thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self):
        self.connections = []
        for number in range(self.count):
            source = (f"127.0.{1 + number // 250}.{1 + number % 250}", 0)
            connection = socket.create_connection(("127.0.0.1", self.target.port), timeout=10, source_address=source)
            connection.setblocking(False)
            self.connections.append(connection)
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.over.set()
        self.thread.join()
        for connection in self.connections:
            connection.close()
        if self.failure:
            raise Failed(f"{self.target.name}: {self.failure}")

    def _run(self):
        # This thread alone, and only in time that nobody else wants: what it costs to ask is not what is measured.
        os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
        try:
            self._rounds()
        except OSError as error:
            self.failure = f"a sign-in: {error}"

    def _rounds(self):
        body = json.dumps({"username": "bench", "password": own.PASSWORD})
        head = f"POST /_keyward/login HTTP/1.1\r\nHost: bench\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        request, pids = (head + body).encode(), usage.family(self.target.pid)
        waiting, answers = set(), selectors.DefaultSelector()
        for connection in self.connections:
            answers.register(connection, selectors.EVENT_READ)
        due = time.monotonic()
        while not self.over.is_set():
            if time.monotonic() >= due:
                self.most_mib = max(self.most_mib, usage.memory_mib(pids))
                for connection in self.connections:
                    if connection not in waiting:
                        connection.sendall(request)
                        waiting.add(connection)
                due += EVERY_SECONDS
            for key, _ in answers.select(timeout=max(0.0, min(due - time.monotonic(), 0.1))):
                # An answer is small, and comes whole.
                status = int(key.fileobj.recv(65536)[9:12] or b"0")
                if status not in ANSWERS:
                    raise OSError(f"answered {status}")
                self.answered[status] += 1
                waiting.discard(key.fileobj)
        answers.close()
