"""Checks and forges tokens with nothing of Keyward's: Python's own library and the openssl command.

Reads {"do": "check" | "forge", "token": …, "jwk": {…} | "secret": …} from stdin. `check` writes whether the signature is
right; `forge` writes tokens that a careless verifier would take: the public key as the secret of HS256.
"""

import base64
import hashlib
import hmac
import json
import subprocess
import sys
import tempfile


def decode(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def encode(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def element(tag, inside):
    length = len(inside)
    if length < 128:
        size = bytes([length])
    else:
        digits = length.to_bytes((length.bit_length() + 7) // 8, "big")
        size = bytes([128 + len(digits)]) + digits
    return bytes([tag]) + size + inside


def number(data):
    data = data.lstrip(b"\0") or b"\0"
    return element(2, (b"\0" if data[0] > 127 else b"") + data)


def spki(jwk):
    """SubjectPublicKeyInfo (RFC 5280) of a JWK."""
    if jwk["kty"] == "OKP":
        return bytes.fromhex("302a300506032b6570032100") + decode(jwk["x"])
    if jwk["kty"] == "EC":
        head = bytes.fromhex("3059301306072a8648ce3d020106082a8648ce3d03010703420004")
        return head + decode(jwk["x"]) + decode(jwk["y"])
    key = element(0x30, number(decode(jwk["n"])) + number(decode(jwk["e"])))
    return element(0x30, bytes.fromhex("300d06092a864886f70d0101010500") + element(3, b"\0" + key))


def check(token, jwk, secret):
    message, _, signature = token.rpartition(".")
    signature = decode(signature)
    alg = json.loads(decode(message.split(".")[0]))["alg"]
    if secret is not None:
        return alg == "HS256" and hmac.compare_digest(
            hmac.digest(secret.encode(), message.encode(), hashlib.sha256), signature
        )
    if alg != jwk["alg"]:
        return False
    if alg == "ES256":
        assert len(signature) == 64
        signature = element(0x30, number(signature[:32]) + number(signature[32:]))
    with tempfile.TemporaryDirectory() as folder:

        def write(name, data):
            with open(f"{folder}/{name}", "wb") as file:
                file.write(data)
            return f"{folder}/{name}"

        key, text, mark = write("key", spki(jwk)), write("text", message.encode()), write("mark", signature)
        if alg == "EdDSA":
            ways = ["pkeyutl", "-verify", "-pubin", "-keyform", "DER", "-inkey", key, "-rawin", "-in", text, "-sigfile", mark]
        else:
            ways = ["dgst", "-sha256", "-keyform", "DER", "-verify", key, "-signature", mark, text]
        return subprocess.run(["openssl", *ways], capture_output=True).returncode == 0


def forge(token, jwk):
    _, claims, _ = token.split(".")
    header = encode(json.dumps({"alg": "HS256", "typ": "at+jwt", "kid": jwk["kid"]}, separators=(",", ":")).encode())
    der = spki(jwk)
    pem = b"-----BEGIN PUBLIC KEY-----\n" + base64.encodebytes(der) + b"-----END PUBLIC KEY-----\n"
    secrets = [der, pem, pem.strip(), json.dumps(jwk).encode(), jwk["kid"].encode(), b""]
    secrets += [decode(jwk[name]) for name in ("x", "y", "n", "e") if name in jwk]
    secrets += [jwk[name].encode() for name in ("x", "n") if name in jwk]
    message = f"{header}.{claims}"
    return [f"{message}.{encode(hmac.digest(secret, message.encode(), hashlib.sha256))}" for secret in secrets]


asked = json.load(sys.stdin)
if asked["do"] == "check":
    print(json.dumps(check(asked["token"], asked.get("jwk"), asked.get("secret"))))
else:
    print(json.dumps(forge(asked["token"], asked["jwk"])))
