"""What PyJWT, joserfc and jwcrypto say of tokens and of signatures, each used as its own documentation shows.

Reads one case a line: {"id": …, "alg": …, "token": …, "keys": {"keys": […]}} and, where claims are to be judged as well, "issuer" and
"audience". Writes {"id": …, "pyjwt": …, "joserfc": …, "jwcrypto": …} for each: "accepted", or "refused".
"""

import json
import sys
import warnings

import joserfc.jws
import joserfc.jwt
import jwt
from joserfc.jwk import KeySet
from jwcrypto.jwk import JWK, JWKSet
from jwcrypto.jws import JWS
from jwcrypto.jwt import JWT

# They warn of short secrets and of EdDSA's name; what counts here is whether they accept.
warnings.simplefilter("ignore")


def pyjwt(case):
    token, alg, keys = case["token"], case["alg"], case["keys"]["keys"]
    kid = jwt.get_unverified_header(token).get("kid")
    [key] = [key for key in keys if key.get("kid") == kid] or (keys if len(keys) == 1 else [])
    key = jwt.PyJWK(key, algorithm=alg)
    if "issuer" not in case:
        return jwt.PyJWS().decode_complete(token, key, algorithms=[alg])
    options = {"require": ["exp", "iss", "aud", "sub"]}
    return jwt.decode(token, key, algorithms=[alg], issuer=case["issuer"], audience=case["audience"], options=options)


def joserfc_(case):
    token, alg = case["token"], case["alg"]
    keys = KeySet.import_key_set(case["keys"])
    if len(keys.keys) == 1 and "kid" not in case["keys"]["keys"][0]:
        [keys] = keys.keys
    if "issuer" not in case:
        return joserfc.jws.deserialize_compact(token, keys, algorithms=[alg])
    read = joserfc.jwt.decode(token, keys, algorithms=[alg])
    must = lambda **more: {"essential": True, **more}
    registry = joserfc.jwt.JWTClaimsRegistry(
        iss=must(value=case["issuer"]), aud=must(value=case["audience"]), sub=must(), exp=must()
    )
    return registry.validate(read.claims)


def jwcrypto(case):
    token, alg, keys = case["token"], case["alg"], case["keys"]["keys"]
    if "issuer" not in case:
        if len(keys) == 1:
            key = JWK(**keys[0])
        else:
            key = JWKSet.from_json(json.dumps(case["keys"]))
        jws = JWS()
        jws.allowed_algs = [alg]
        return jws.deserialize(token, key)
    keys = JWKSet.from_json(json.dumps(case["keys"]))
    checks = {"iss": case["issuer"], "aud": case["audience"], "sub": None, "exp": None}
    return JWT(jwt=token, key=keys, algs=[alg], check_claims=checks)


def verdict(library, case):
    try:
        library(case)
    # Whatever it is that they raise: some let errors of others through.
    except Exception:
        return "refused"
    return "accepted"


for line in sys.stdin:
    case = json.loads(line)
    libraries = {"pyjwt": pyjwt, "joserfc": joserfc_, "jwcrypto": jwcrypto}
    print(json.dumps({"id": case["id"], **{name: verdict(library, case) for name, library in libraries.items()}}))
