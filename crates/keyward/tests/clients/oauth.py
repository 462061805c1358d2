"""Stock clients of others, asked by tests/stock_clients.rs: authlib and requests-oauthlib against a running server.

Gets {"base", "id", "secret", "refresh_url"…} as JSON on stdin; prints one JSON object of what each client saw.
"""

import json
import os
import sys

os.environ["OAUTHLIB_INSECURE_TRANSPORT"] = "1"  # the server of the test speaks plain HTTP on loopback
os.environ["AUTHLIB_INSECURE_TRANSPORT"] = "1"

from authlib.integrations.requests_client import OAuth2Session as AuthlibSession  # noqa: E402
from authlib.jose import JsonWebKey, JsonWebToken  # noqa: E402
from oauthlib.oauth2 import BackendApplicationClient  # noqa: E402
from requests.auth import HTTPBasicAuth  # noqa: E402
from requests_oauthlib import OAuth2Session  # noqa: E402
import requests  # noqa: E402

asked = json.load(sys.stdin)
base, key, secret = asked["base"], asked["id"], asked["secret"]
token_url = base + "/_keyward/token"
seen = {}


def authlib(method):
    client = AuthlibSession(key, secret, token_endpoint_auth_method=method, scope="orders:read")
    token = client.fetch_token(token_url, grant_type="client_credentials")
    status = client.get(base + "/orders").status_code
    renewed = client.refresh_token(token_url, refresh_token=token["refresh_token"])
    told = client.introspect_token(
        base + "/_keyward/introspect", token=renewed["access_token"], token_type_hint="access_token"
    ).json()
    jwks = JsonWebKey.import_key_set(requests.get(base + "/_keyward/jwks.json").json())
    claims = JsonWebToken(["EdDSA"]).decode(renewed["access_token"], jwks)
    claims.validate()
    revoked = client.revoke_token(base + "/_keyward/revoke", token=renewed["refresh_token"])
    after = requests.get(base + "/orders", headers={"Authorization": "Bearer " + renewed["access_token"]}).status_code
    return {
        "status": status,
        "scope": token["scope"],
        "renewed": renewed["access_token"] != token["access_token"],
        "active": told["active"],
        "iss": claims["iss"],
        "revoked": revoked.status_code,
        "after": after,
    }


seen["authlib basic"] = authlib("client_secret_basic")
seen["authlib post"] = authlib("client_secret_post")


def requests_oauthlib():
    client = OAuth2Session(client=BackendApplicationClient(client_id=key, scope=["orders:read"]))
    token = client.fetch_token(token_url=token_url, auth=HTTPBasicAuth(key, secret))
    status = client.get(base + "/orders").status_code
    renewed = client.refresh_token(token_url, refresh_token=token["refresh_token"], auth=HTTPBasicAuth(key, secret))
    return {
        "status": status,
        "scope": " ".join(token["scope"]),
        "renewed": renewed["access_token"] != token["access_token"],
        "after": client.get(base + "/orders").status_code,
    }


seen["requests-oauthlib"] = requests_oauthlib()
print(json.dumps(seen))
