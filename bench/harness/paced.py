"""Load by h2load at a fixed rate: the latencies of a server that is not saturated."""

import subprocess

from .failure import Failed


def run(target, options, rate, seconds, home):
    """One round at that many requests a second; all connections show the same credential, which h2load cannot change."""
    log = home / f"{target.name}.h2load"
    log.unlink(missing_ok=True)
    clients = options.connections
    header = ["-H", ": ".join(target.first)] if target.first else []
    arguments = [
        *options.other_place, "h2load", "--h1", f"-c{clients}", "-t1", "-D", str(seconds), "--rps", f"{rate / clients:.3f}",
        f"--log-file={log}", *header, target.url,
    ]
    try:
        done = subprocess.run(arguments, capture_output=True, text=True, timeout=seconds + 30)
    except subprocess.TimeoutExpired:
        raise Failed(f"{target.name}: the load did not end") from None
    if done.returncode != 0:
        raise Failed(f"{target.name}: h2load failed\n{done.stdout[-1000:]}{done.stderr}")
    return _summary(target, log, rate, seconds)


def _summary(target, log, rate, seconds):
    # Each line: when it began, the status, and how long it took, in microseconds.
    lines = [line.split("\t") for line in log.read_text().splitlines()]
    wrong = sum(status != "200" for _, status, _ in lines)
    if wrong or not lines:
        raise Failed(f"{target.name}: {wrong} of {len(lines)} answers were not 200")
    micros = sorted(int(took) for _, _, took in lines)
    reached = len(lines) / seconds
    return {
        "requestsPerSecond": reached, "reached": reached / rate,
        "p50Millis": micros[len(micros) // 2] / 1000, "p99Millis": micros[len(micros) * 99 // 100] / 1000,
    }
