"""Who is measured: one row each, with its program, its configuration, what it is asked and what it must answer."""

import dataclasses


@dataclasses.dataclass(frozen=True)
class Contender:
    """One row of the table. Rows with one configuration share one server, and take turns with it."""

    name: str
    title: str
    #: haproxy, nginx, keyward, floor or upstream.
    program: str
    #: A file in bench/config.
    config: str | None = None
    path: str = "/orders/1"
    #: Which file of headers the requests rotate over.
    credentials: str | None = None
    #: Whether every answer must be a refusal.
    refused: bool = False
    #: Whether it must refuse a request without a credential and one with a wrong one.
    guards: bool = False


def _keyed(name, title, program, config, **more):
    return Contender(name, title, program, config, credentials="keys", guards=True, **more)


def _token(name, title, program, config, credentials):
    return Contender(name, title, program, config, credentials=credentials, guards=True)


ALL = (
    Contender("upstream", "upstream alone", "upstream"),
    Contender("floor", "floor: bytes moved, nothing read", "floor"),
    Contender("keyward-open", "Keyward, public route", "keyward", "keyward.yaml", path="/open/orders/1", credentials="keys"),
    _keyed("keyward-key", "Keyward, key + records", "keyward", "keyward.yaml"),
    _keyed("keyward-limit", "Keyward, key + limit + records", "keyward", "keyward-limit.yaml"),
    _token("keyward-eddsa", "Keyward, JWT EdDSA", "keyward", "keyward-eddsa.yaml", "tokens-keyward-eddsa"),
    _token("keyward-hs256", "Keyward, JWT HS256", "keyward", "keyward-hs256.yaml", "tokens-keyward-hs256"),
    _token("keyward-rs256", "Keyward, JWT RS256", "keyward", "keyward-rs256.yaml", "tokens-keyward-rs256"),
    Contender("haproxy-plain", "HAProxy, plain", "haproxy", "haproxy-plain.cfg"),
    _keyed("haproxy-key", "HAProxy, key map + stick-table", "haproxy", "haproxy-key.cfg"),
    _token("haproxy-hs256", "HAProxy, jwt_verify HS256", "haproxy", "haproxy-hs256.cfg", "tokens-hs256"),
    _token("haproxy-rs256", "HAProxy, jwt_verify RS256", "haproxy", "haproxy-rs256.cfg", "tokens-rs256"),
    Contender("nginx-plain", "nginx, plain", "nginx", "nginx-plain.conf"),
    _keyed("nginx-key", "nginx, key map + limit_req", "nginx", "nginx-key.conf"),
    _keyed("nginx-lua", "nginx, Lua + shared dict", "nginx", "nginx-lua.conf"),
    _keyed("keyward-unrecorded", "Keyward, key, nothing recorded", "keyward", "keyward-unrecorded.yaml"),
    _keyed("keyward-strict", "Keyward, key + scopes + addresses", "keyward", "keyward.yaml", path="/strict/orders/1"),
    Contender("keyward-no-key", "Keyward refuses: no key", "keyward", "keyward.yaml", refused=True),
    Contender("keyward-guess", "Keyward refuses: a guess", "keyward", "keyward.yaml", credentials="guesses", refused=True),
)

BY_NAME = {contender.name: contender for contender in ALL}
