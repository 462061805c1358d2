"""What many idle connections cost: each asks once, and then stays."""

import socket
import time

from . import load, usage
from .failure import Failed


def measure(target, options, count):
    """Memory before and with the connections, after every credential was used."""
    pids = usage.family(target.pid)
    fresh = usage.memory_mib(pids)
    load.saturate(target, options, options.warm_seconds)
    # What is done behind answered requests, as keeping their records, shall be over.
    time.sleep(3)
    before = usage.memory_mib(pids)
    connections = []
    try:
        for _ in range(count):
            connections.append(_asked(target))
        time.sleep(1)
        held = usage.memory_mib(pids)
        # Nothing was gained by closing the first of them: it still answers.
        _ask(connections[0], target)
    except OSError as error:
        raise Failed(f"{target.name}: connection {len(connections)}: {error}") from None
    finally:
        for connection in connections:
            connection.close()
    return {
        "freshMib": fresh, "warmMib": before, "heldMib": held, "connections": count,
        "kibEach": (held - before) * 1024 / count,
    }


def _asked(target):
    connection = socket.create_connection(("127.0.0.1", target.port), timeout=10)
    try:
        _ask(connection, target)
    except OSError:
        connection.close()
        raise
    return connection


def _ask(connection, target):
    header = f"{': '.join(target.first)}\r\n" if target.first else ""
    connection.sendall(f"GET {target.path} HTTP/1.1\r\nHost: bench\r\n{header}\r\n".encode())
    answer = b""
    while not answer.endswith(b"ok\n"):
        piece = connection.recv(4096)
        if not piece:
            raise OSError("closed")
        answer += piece
    if not answer.startswith(b"HTTP/1.1 200"):
        raise OSError(f"answered {answer[:40]!r}")
