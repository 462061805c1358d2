"""Another issuer's keys and tokens, made by PyJWT and cryptography: nothing of Keyward's.

Reads {"do": "key", "alg": …, "kid": …} or {"do": "sign", "key": …, "header": {…}, "claims": {…}} from stdin; the key is what "key" gave:
{"pem": …, "jwk": {…}}. "sign" with "secret" signs with HS256 by the bytes of that text.
"""

import base64
import json
import sys

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from jwt.algorithms import get_default_algorithms


def make(alg, kid):
    if alg == "RS256":
        key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    elif alg == "ES256":
        key = ec.generate_private_key(ec.SECP256R1())
    else:
        key = ed25519.Ed25519PrivateKey.generate()
    pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()
    public = key.public_key()
    spki = public.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo).decode()
    jwk = json.loads(get_default_algorithms()[alg].to_jwk(public))
    jwk.pop("key_ops", None)
    return {"pem": pem, "spki": spki, "jwk": {**jwk, "kid": kid, "alg": alg, "use": "sig"}}


def encode(value):
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def sign(asked):
    header, claims = asked["header"], asked["claims"]
    algorithms = get_default_algorithms()
    message = f"{encode(header)}.{encode(claims)}".encode()
    if "secret" in asked:
        signature = algorithms["HS256"].sign(message, asked["secret"].encode())
    elif header.get("alg") == "none":
        signature = b""
    else:
        algorithm = algorithms[asked["key"]["jwk"]["alg"]]
        signature = algorithm.sign(message, algorithm.prepare_key(asked["key"]["pem"]))
    return message.decode() + "." + base64.urlsafe_b64encode(signature).rstrip(b"=").decode()


asked = json.load(sys.stdin)
print(json.dumps(make(asked["alg"], asked["kid"]) if asked["do"] == "key" else sign(asked)))
