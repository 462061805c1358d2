"""Who is measured: one row each, with its program, its configuration, what it is asked and what it must answer."""

import dataclasses


@dataclasses.dataclass(frozen=True)
class Contender:
    """One row of the table. Rows with one configuration share one server, and take turns with it."""

    name: str
    title: str
    #: haproxy, nginx, keyward, floor or upstream.
    program: str
    #: With whom it is compared.
    group: str | None
    #: A file in bench/config.
    config: str | None = None
    path: str = "/orders/1"
    #: Which file of headers the requests rotate over.
    credentials: str | None = None
    #: Whether every answer must be a refusal.
    refused: bool = False
    #: Whether it must refuse a request without a credential and one with a wrong one.
    guards: bool = False
    #: The form that it is sent, where it is asked by POST.
    form: str | None = None


THROUGH, KEY, TOKEN, OWN, ISSUING = (
    "asking nothing", "an API key and a limit", "a JWT", "what the parts of Keyward cost", "tokens for clients",
)


def _keyed(name, title, program, config, group=KEY, **more):
    return Contender(name, title, program, group, config, credentials="keys", guards=True, **more)


def _token(name, title, program, config, credentials):
    return Contender(name, title, program, TOKEN, config, credentials=credentials, guards=True)


def _issues(name, title, config):
    return Contender(
        name, title, "keyward", ISSUING, config, "/_keyward/token", credentials="pairs", guards=True,
        form="grant_type=client_credentials",
    )


ALL = (
    Contender("upstream", "upstream alone", "upstream", None),
    Contender("floor", "the floor (bytes, no HTTP)", "floor", THROUGH),
    Contender("nginx-plain", "nginx, plain", "nginx", THROUGH, "nginx-plain.conf"),
    Contender("haproxy-plain", "HAProxy, plain", "haproxy", THROUGH, "haproxy-plain.cfg"),
    Contender(
        "keyward-open", "Keyward, public route", "keyward", THROUGH, "keyward.yaml", path="/open/orders/1", credentials="keys"
    ),
    _keyed("nginx-key", "nginx, key map + limit_req", "nginx", "nginx-key.conf"),
    _keyed("nginx-lua", "nginx, Lua + shared dict", "nginx", "nginx-lua.conf"),
    _keyed("haproxy-key", "HAProxy, key map + stick-table", "haproxy", "haproxy-key.cfg"),
    _keyed("keyward-limit", "Keyward, key + limit + records", "keyward", "keyward-limit.yaml"),
    _keyed("keyward-key", "Keyward, key + records", "keyward", "keyward.yaml"),
    _token("haproxy-hs256", "HAProxy, jwt_verify HS256", "haproxy", "haproxy-hs256.cfg", "tokens-hs256"),
    _token("haproxy-rs256", "HAProxy, jwt_verify RS256", "haproxy", "haproxy-rs256.cfg", "tokens-rs256"),
    _token("keyward-eddsa", "Keyward, JWT EdDSA", "keyward", "keyward-eddsa.yaml", "tokens-keyward-eddsa"),
    _token("keyward-hs256", "Keyward, JWT HS256", "keyward", "keyward-hs256.yaml", "tokens-keyward-hs256"),
    _token("keyward-rs256", "Keyward, JWT RS256", "keyward", "keyward-rs256.yaml", "tokens-keyward-rs256"),
    _keyed("keyward-unrecorded", "key, nothing recorded", "keyward", "keyward-unrecorded.yaml", OWN),
    _keyed("keyward-strict", "key + scopes + addresses", "keyward", "keyward.yaml", OWN, path="/strict/orders/1"),
    Contender("keyward-no-key", "refused: no key", "keyward", OWN, "keyward.yaml", refused=True),
    Contender("keyward-guess", "refused: a guess", "keyward", OWN, "keyward.yaml", credentials="guesses", refused=True),
    _issues("keyward-issues-eddsa", "Keyward, token endpoint EdDSA", "keyward-eddsa.yaml"),
    _issues("keyward-issues-hs256", "Keyward, token endpoint HS256", "keyward-hs256.yaml"),
)

BY_NAME = {contender.name: contender for contender in ALL}
