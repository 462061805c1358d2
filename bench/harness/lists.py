"""How long each list and chart takes beside very many keys and decisions, asked as commands ask: over the socket in the data directory."""

import http.client
import json
import math
import socket
import sqlite3
import time

from .failure import Failed
from .filled import Filled

#: What each may take.
MOST_MILLIS = 200
ROUNDS = 25
WARM_ROUNDS = 3
PATIENCE_SECONDS = 900


def measure(keyward, values, data, options, said):
    """The lists by name, with how long they took; how long it took until they were ready; how large the files are."""
    keyward.command("init", data=data)
    keyward.processes.end(keyward.serve("lists-first", "keyward.yaml", values, data))
    filled = Filled(data, options.list_keys, options.decisions, said)
    began = time.monotonic()
    server = keyward.serve("lists", "keyward.yaml", values, data)
    _wait_for_notes(data)
    said(f"ready after {time.monotonic() - began:.0f} s: sealed, and noted what blocks hold")
    found = {}
    for name, command in _questions(filled).items():
        took, answered = [], None
        for number in range(WARM_ROUNDS + ROUNDS):
            begin = time.perf_counter()
            answered = ask(data, command)
            if number >= WARM_ROUNDS:
                took.append((time.perf_counter() - begin) * 1000)
        took.sort()
        found[name] = {
            "p50Millis": took[len(took) // 2], "p95Millis": took[math.ceil(0.95 * len(took)) - 1], "mostMillis": took[-1], "rows": _rows(answered),
        }
        said(f"{name}: {found[name]['p95Millis']:.1f} ms, {found[name]['rows']} rows")
    keyward.processes.end(server)
    sizes = {name: (data / name).stat().st_size / 2**20 for name in ("keyward.db", "decisions.db")}
    return found, sizes


def ask(data, command):
    """What a running server answers to a command."""
    connection = http.client.HTTPConnection("keyward", timeout=60)
    connection.sock = socket.socket(socket.AF_UNIX)
    connection.sock.connect(str(data / "keyward.sock"))
    connection.request("POST", "/command", json.dumps(command), {"Content-Type": "application/json"})
    answer = json.loads(connection.getresponse().read())
    connection.close()
    if answer["reply"] == "failed":
        raise Failed(f"{command}: {answer['failure']['message']}")
    return answer


def _wait_for_notes(data):
    """Until all that came is sealed and noted: a server that made it itself would have done so meanwhile."""
    waits = {
        "keyward.db": "SELECT count(*) FROM audit WHERE seal IS NULL",
        "decisions.db": "SELECT (SELECT max(seq) FROM decisions) / 1024 - 1 > (SELECT coalesce(max(block), -1) FROM blocks)"
        " OR (SELECT max(hour) FROM usage) - 3600000 > (SELECT coalesce(max(hour), 0) FROM most_used)",
    }
    end = time.monotonic() + PATIENCE_SECONDS
    for file, question in waits.items():
        connection = sqlite3.connect(f"file:{data / file}?mode=ro", uri=True)
        while connection.execute(question).fetchone()[0]:
            if time.monotonic() > end:
                raise Failed(f"{file} is not ready after {PATIENCE_SECONDS} s")
            time.sleep(0.5)
        connection.close()


def _rows(answer):
    listing = answer.get("listing") or answer.get("overview") or answer.get("usage") or answer.get("limits") or {}
    for member in ("data", "points", "limits"):
        if member in listing:
            return len(listing[member])
    return 1


def _questions(filled):
    """Every list and chart of the console, with the questions that cost most among those that can be asked."""
    busy, seldom = filled.keys[0], filled.keys[-7]
    account = next(account for user, account in filled.users if user == busy[1])
    keys = lambda cursor=None, **question: {"command": "listKeys", "question": question, "cursor": cursor, "limit": 50}
    people = lambda what, **question: {"command": "people", "people": what, "question": question, "cursor": None, "limit": 50}
    audit = lambda **question: {"command": "listAudit", "question": {"limit": 50, **question}}
    decisions = lambda **question: {"command": "listDecisions", "question": {"limit": 50, **question}}
    used = lambda what, **more: {"command": "used", "used": what, **more}
    overview = lambda span: {"command": "overview", "span": span}
    return {
        "keys": keys(),
        "keys, searched, none fits": keys(search="zzzzzz"),
        "keys, searched, few fit": keys(search="Zz9"),
        "keys, searched, all fit": keys(search="kw_live"),
        "keys, searched by owner": keys(search="7@example"),
        "keys, searched, by last use": keys(search="export", sort="lastUsed"),
        "keys that are active, by name": keys(status="active", sort="name"),
        "keys that are disabled": keys(status="disabled"),
        "keys that are revoked, by expiry": keys(status="revoked", sort="expires"),
        "keys by name, a page far in": keys("n7374616765.key_1", sort="name"),
        "keys by last use": keys(sort="lastUsed"),
        "keys by expiry, last first": keys(sort="expires", order="desc"),
        "keys unused for 90 days": keys(unused="90d"),
        "keys of a user": keys(owner=busy[1]),
        "users": people("listUsers"),
        "users, searched": people("listUsers", search="nightly.99"),
        "users that are disabled": people("listUsers", status="disabled"),
        "users with a role": people("listUsers", role="operator"),
        "accounts": people("listAccounts"),
        "accounts, searched": people("listAccounts", search="1999"),
        "accounts on a plan": people("listAccounts", plan="pro"),
        "audit": audit(),
        "audit, by action": audit(action="key.revoked"),
        "audit, by subject": audit(subject=busy[0]),
        "audit, by actor and action, none fits": audit(actor="operator", action="user.created"),
        "audit, long ago": audit(until="1d"),
        "decisions": decisions(),
        "decisions, refused": decisions(outcome="Forbidden"),
        "decisions, a rare outcome": decisions(outcome="Ambiguous"),
        "decisions, none fits": decisions(outcome="NoSuch"),
        "decisions of a busy key": decisions(credential=busy[0]),
        "decisions of a key that came seldom": decisions(credential=seldom[0]),
        "decisions of a user": decisions(principal=seldom[1]),
        "decisions from an address": decisions(client=filled.clients[-1]),
        "decisions, two that seldom meet": decisions(outcome="Limited", client=filled.clients[40_000]),
        "decisions on a route, refused": decisions(route="route-11", outcome="Rejected"),
        "decisions of an hour two weeks ago": decisions(since="337h", until="336h"),
        "decisions of a month, a busy key refused": decisions(since="30d", credential=busy[0], outcome="Forbidden"),
        "overview, 1h": overview("1h"),
        "overview, 24h": overview("24h"),
        "overview, 7d": overview("7d"),
        "overview, 30d": overview("30d"),
        "usage of a day": used("list", of={}, question={"limit": 100}),
        "usage of a month, a user": used("list", of={"principal": busy[1]}, question={"since": "30d", "limit": 100}),
        "usage of a key, 7d": used("key", id=busy[0], question={}),
        "usage of a key, 30d": used("key", id=seldom[0], question={"since": "30d"}),
        "usage of an account, 30d": used("account", which=account, question={"since": "30d"}),
        "limits of a key": used("limitsOfKey", id=busy[0]),
        "limits of an account": used("limitsOfAccount", which=account),
    }
