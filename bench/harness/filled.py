"""A data directory with very many keys and decisions, as a server has them after a month: written into its files, because making them one
by one would take hours. The columns are those of crates/store/migrations."""

import contextlib
import hashlib
import random
import sqlite3
import string
import time

DAYS = 30
MINUTE, HOUR, DAY = 60_000, 3_600_000, 86_400_000
QUARTER = DAY // 4
ALPHABET = string.digits + string.ascii_letters
WORDS = "billing orders export import mobile backend staging nightly cron terraform ci webhook analytics partner legacy".split()
ROUTES = [f"route-{number}" for number in range(12)]
#: What becomes of a request, and how many of 100,000.
OUTCOMES = (
    ("allowed", 200, 92_000), ("NoCredential", 401, 3_000), ("Rejected", 401, 2_000), ("Forbidden", 403, 1_900), ("Limited", 429, 1_000),
    ("upstream timed out", 504, 99), ("Ambiguous", 400, 1),
)
NOBODYS = ("NoCredential", "Rejected", "Ambiguous")


class Filled:
    """What was put in, as far as questions need it."""

    def __init__(self, data, keys, decisions, said):
        self.random = random.Random(1)
        self.data, self.now = data, int(time.time() * 1000)
        with _open(data / "keyward.db") as store:
            self._people(store, keys)
            self._keys(store, keys)
        said(f"{keys:,} keys are in their file")
        with _open(data / "decisions.db") as file:
            self._decisions(file, decisions)
        said(f"{decisions:,} decisions are in theirs")

    def _id(self, word):
        return f"{word}_{''.join(self.random.choices(ALPHABET, k=22))}"

    def _past(self, days):
        return self.now - self.random.randrange(days * DAY)

    def _people(self, store, keys):
        plans = ("free", "pro", None)
        self.accounts = [self._id("acc") for _ in range(max(keys // 50, 10))]
        store.executemany(
            "INSERT INTO accounts (id, name, external_id, created_at, plan) VALUES (?, ?, ?, ?, ?)",
            ((one, f"Customer {n} Ltd", f"cus_{n:06}", self._past(400), self.random.choice(plans)) for n, one in enumerate(self.accounts)),
        )
        self.users = [(self._id("user"), self.random.choice(self.accounts)) for _ in range(max(keys // 10, 10))]
        names = (f"{self.random.choice(WORDS)}.{n}@example.com" for n in range(len(self.users)))
        store.executemany(
            "INSERT INTO users (id, username, roles, created_at, account, disabled_at) VALUES (?, ?, ?, ?, ?, ?)",
            (
                (one, name, '["self"]', self._past(400), account, self.now if n % 100 == 0 else None)
                for n, ((one, account), name) in enumerate(zip(self.users, names))
            ),
        )

    def _keys(self, store, keys):
        self.keys = [(self._id("key"), self.random.choice(self.users)[0]) for _ in range(keys)]
        rows = (
            (
                one, owner, f"{self.random.choice(WORDS)} {self.random.choice(WORDS)} {n}", f"kw_live_{one[4:8]}",
                hashlib.sha256(one.encode()).digest(), "test" if n % 3 == 0 else "live", '["orders:read"]', "[]",
                f"ext-{n}" if n % 3 == 0 else None, self._past(400),
                self.now + self.random.randrange(-30 * DAY, 300 * DAY) if n % 4 else None, self._past(100) if n % 5 else None,
                self.now if n % 50 == 0 else None, self.now if n % 70 == 0 else None,
            )
            for n, (one, owner) in enumerate(self.keys)
        )
        store.executemany(
            "INSERT INTO api_keys (id, owner, name, prefix, digest, mode, scopes, allowed_ips, external_id, created_at, expires_at,"
            " last_used_at, disabled_at, revoked_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            rows,
        )
        store.executemany(
            "INSERT INTO audit (at, actor, action, subject, detail) VALUES (?, 'operator', ?, ?, '{}')",
            ((self.now - (keys - n) * 1000, "key.revoked" if n % 70 == 0 else "key.created", one) for n, (one, _) in enumerate(self.keys)),
        )

    def _decisions(self, file, count):
        chance = self.random
        weights = [weight for _, _, weight in OUTCOMES]
        begin, step = self.now - DAYS * DAY, DAYS * DAY / count
        self.clients = [f"10.{n >> 16 & 255}.{n >> 8 & 255}.{n & 255}" for n in range(50_000)]
        hour, usage, figures, spans = None, {}, {}, {}
        for first in range(0, count, 20_000):
            rows = []
            some = chance.choices(OUTCOMES, weights, k=min(20_000, count - first))
            for number, (outcome, status, _) in enumerate(some, first):
                at = int(begin + number * step)
                if at - at % HOUR != hour:
                    self._hour(file, hour, usage)
                    hour = at - at % HOUR
                # Few come often, and most seldom.
                key, owner = self.keys[int(len(self.keys) * chance.random() ** 3)] if outcome not in NOBODYS else (None, None)
                client = self.clients[int(50_000 * chance.random() ** 2)]
                route = ROUTES[int(12 * chance.random() ** 2)]
                micros = int(200 * chance.lognormvariate(2, 1)) if outcome == "allowed" else 30
                rows.append((
                    at // 1000, 1, number, at, micros, client, "GET", f"/orders/{number}", route, outcome, owner, key,
                    f'[["{outcome}",{status},1]]',
                ))
                fact = (owner or "", key or "", route, outcome)
                usage[fact] = usage.get(fact, 0) + 1
                for span in (MINUTE, HOUR, QUARTER) if at > self.now - 2 * DAY else (HOUR, QUARTER):
                    figure = (span, at - at % span, route, outcome)
                    figures[figure] = figures.get(figure, 0) + 1
                    if outcome == "allowed":
                        spent = (span, at - at % span, _class(micros))
                        spans[spent] = spans.get(spent, 0) + 1
            file.executemany(
                "INSERT INTO decisions (second, lane, within, level, count, at, micros, client, method, path, route, outcome, principal,"
                " credential, results) VALUES (?, ?, ?, 0, 1, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                rows,
            )
            file.commit()
        self._hour(file, hour, usage)
        file.executemany("INSERT OR REPLACE INTO figures (span, at, route, outcome, count) VALUES (?, ?, ?, ?, ?)", ((*k, n) for k, n in sorted(figures.items())))
        file.executemany("INSERT OR REPLACE INTO spans (span, at, class, count) VALUES (?, ?, ?, ?)", ((*k, n) for k, n in sorted(spans.items())))

    def _hour(self, file, hour, usage):
        rows = ((hour, *fact, count) for fact, count in sorted(usage.items()))
        file.executemany("INSERT OR REPLACE INTO usage (hour, principal, credential, route, outcome, count) VALUES (?, ?, ?, ?, ?, ?)", rows)
        usage.clear()


def _class(micros):
    """As crates/engine/src/figures.rs has it."""
    if micros < 8:
        return micros
    doublings = micros.bit_length() - 1
    return min((doublings - 2) * 8 + (micros >> (doublings - 3) & 7), 223)


@contextlib.contextmanager
def _open(path):
    """A file that nobody else holds, written in one go."""
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA synchronous = OFF")
    try:
        yield connection
        connection.commit()
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    finally:
        connection.close()
