"""Tokens as they should not be, and a few as they may be: made with nothing of Keyward's.

Reads {"issuer": …, "audience": …} from stdin, or {"token": …, "secret": …} with a token that is signed by that secret. Writes
{"keys": {…}, "cases": [{"id": …, "alg": …, "token": …}, …]}: what the first case of an algorithm says is accepted, and each of
the others differs from it in what its name says.
"""

import base64
import hashlib
import hmac
import json
import sys
import time

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"


def encode(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def decode(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def number(value):
    return encode(value.to_bytes((value.bit_length() + 7) // 8, "big"))


def compact(value):
    return json.dumps(value, separators=(",", ":"))


class Rs256:
    alg = "RS256"

    def __init__(self):
        self.key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        numbers = self.key.public_key().public_numbers()
        self.jwk = {"kty": "RSA", "n": number(numbers.n), "e": number(numbers.e)}

    def sign(self, message):
        return self.key.sign(message, padding.PKCS1v15(), hashes.SHA256())


class Es256:
    alg = "ES256"

    def __init__(self):
        self.key = ec.generate_private_key(ec.SECP256R1())
        numbers = self.key.public_key().public_numbers()
        wide = lambda value: encode(value.to_bytes(32, "big"))
        self.jwk = {"kty": "EC", "crv": "P-256", "x": wide(numbers.x), "y": wide(numbers.y)}

    def der(self, message):
        return self.key.sign(message, ec.ECDSA(hashes.SHA256()))

    def sign(self, message):
        r, s = decode_dss_signature(self.der(message))
        return r.to_bytes(32, "big") + s.to_bytes(32, "big")


class EdDsa:
    alg = "EdDSA"

    def __init__(self):
        self.key = ed25519.Ed25519PrivateKey.generate()
        raw = self.key.public_key().public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
        self.jwk = {"kty": "OKP", "crv": "Ed25519", "x": encode(raw)}

    def sign(self, message):
        return self.key.sign(message)


class Hs256:
    alg = "HS256"

    def __init__(self, secret):
        self.secret = secret
        self.jwk = {"kty": "oct", "k": encode(secret)}

    def sign(self, message):
        return hmac.digest(self.secret, message, hashlib.sha256)


def signed(signer, header, claims):
    """Texts or objects, signed as they are."""
    text = lambda value: value if isinstance(value, str) else compact(value)
    message = f"{encode(text(header).encode())}.{encode(text(claims).encode())}"
    return f"{message}.{encode(signer.sign(message.encode()))}"


def without(value, name):
    return {key: one for key, one in value.items() if key != name}


def stray_bits(part):
    """The same bytes, with a last letter that has bits of none of them; nothing where there are none."""
    if len(part) % 4 == 0:
        return None
    return part[:-1] + ALPHABET[ALPHABET.index(part[-1]) | 1]


def in_the_other_alphabet(signer, header, claims):
    """With a signature that has one of the letters that both alphabets do not share; further blanks give further signatures."""
    for blanks in range(1000):
        message, _, mark = signed(signer, header, compact(claims) + " " * blanks).rpartition(".")
        if set(mark) & set("-_"):
            return f"{message}.{mark.replace('-', '+').replace('_', '/')}"
    raise AssertionError("no such signature")


def of_any(signer, header, claims, stranger):
    """Cases of every algorithm: a name and a token each."""
    alg, now = signer.alg, int(time.time())
    sign = lambda header, claims=claims: signed(signer, header, claims)
    plain = sign(header)
    head, body, mark = plain.split(".")
    yield "plain", plain
    yield "white space in the header's JSON", sign(json.dumps(header, indent=2))
    yield "members in another order", sign(dict(reversed(header.items())), dict(reversed(claims.items())))
    # Who signed it.
    yield "signature of a stranger", signed(stranger, header, claims)
    yield "other claims under the signature", f"{head}.{encode(compact({**claims, 'sub': 'eve'}).encode())}.{mark}"
    yield "signature of nobody", f"{head}.{body}."
    yield "no third part", f"{head}.{body}"
    yield "signature cut short", f"{head}.{body}.{encode(decode(mark)[:-1])}"
    yield "signature and a zero", f"{head}.{body}.{encode(decode(mark) + bytes(1))}"
    yield "signature of zeros", f"{head}.{body}.{encode(bytes(len(decode(mark))))}"
    # What the header says.
    for other in ("none", "None", "NONE", "", alg.lower(), "RS512", "PS256", "ES384", "HS512"):
        if other != alg:
            yield f"alg {other!r}", sign({**header, "alg": other})
            yield f"alg {other!r}, no signature", f"{encode(compact({**header, 'alg': other}).encode())}.{body}."
    yield "no alg", sign(without(header, "alg"))
    yield "alg is a list", sign({**header, "alg": [alg]})
    yield "no kid", sign(without(header, "kid"))
    yield "unknown kid", sign({**header, "kid": "unknown"})
    yield "kid is a path", sign({**header, "kid": "../../../../dev/null"})
    yield "kid is a number", sign({**header, "kid": 1})
    yield "jwk", sign({**header, "jwk": signer.jwk})
    yield "jwk of a stranger, who signed", signed(stranger, {**header, "jwk": stranger.jwk}, claims)
    yield "jku", signed(stranger, {**header, "jku": "http://127.0.0.1:1/keys"}, claims)
    yield "x5u", signed(stranger, {**header, "x5u": "http://127.0.0.1:1/certificate"}, claims)
    yield "jku, right signature", sign({**header, "jku": "http://127.0.0.1:1/keys"})
    yield "x5u, right signature", sign({**header, "x5u": "http://127.0.0.1:1/certificate"})
    yield "crit of an extension", sign({**header, "crit": ["urn:example:unknown"], "urn:example:unknown": True})
    yield "crit of what is absent", sign({**header, "crit": ["urn:example:unknown"]})
    yield "crit of exp", sign({**header, "crit": ["exp"], "exp": claims["exp"]})
    yield "crit without names", sign({**header, "crit": []})
    yield "crit is a text", sign({**header, "crit": "exp"})
    detached = {**header, "b64": False, "crit": ["b64"]}
    message = f"{encode(compact(detached).encode())}.{compact(claims)}"
    yield "b64 false, payload as it is", f"{message}.{encode(signer.sign(message.encode()))}"
    yield "b64 false, payload in base64url", sign(detached)
    yield "b64 false, not critical", sign({**header, "b64": False})
    yield "b64 true", sign({**header, "b64": True, "crit": ["b64"]})
    yield "zip", sign({**header, "zip": "DEF"})
    yield "another typ", sign({**header, "typ": "dpop+jwt"})
    yield "typ is a list", sign({**header, "typ": [header["typ"]]})
    yield "header is a list", sign([header])
    yield "alg twice", sign(compact(header)[:-1] + f',"alg":"{alg}"}}')
    yield "alg twice, none first", sign('{"alg":"none",' + compact(header)[1:])
    yield "kid twice", sign('{"kid":"unknown",' + compact(header)[1:])
    yield "bytes after the header", sign(compact(header) + "x")
    # How it is written.
    yield "padding in the signature", f"{plain}{'=' * (-len(mark) % 4) or '===='}"
    yield "padding in the claims", f"{head}.{body}{'=' * (-len(body) % 4) or '===='}.{mark}"
    padded = f"{head}{'=' * (-len(head) % 4) or '===='}.{body}"
    yield "padding in the header, signed so", f"{padded}.{encode(signer.sign(padded.encode()))}"
    if stray_bits(mark):
        yield "stray bits in the signature", f"{head}.{body}.{stray_bits(mark)}"
    for name, header_part, claims_part in (("header", stray_bits(head), body), ("claims", head, stray_bits(body))):
        if header_part and claims_part:
            message = f"{header_part}.{claims_part}"
            yield f"stray bits in the {name}, signed so", f"{message}.{encode(signer.sign(message.encode()))}"
    yield "the other alphabet", in_the_other_alphabet(signer, header, claims)
    yield "a space in the signature", f"{head}.{body}.{mark[:9]} {mark[9:]}"
    yield "a space before the claims", f"{head}. {body}.{mark}"
    yield "a sign in the signature", f"{head}.{body}.{mark[:9]}!{mark[9:]}"
    yield "a letter after the signature", f"{plain}A"
    yield "a fourth part", f"{plain}.{mark}"
    yield "an empty fourth part", f"{plain}."
    yield "an empty part before", f".{plain}"
    yield "JSON, flattened", compact({"protected": head, "payload": body, "signature": mark})
    yield "JSON, general", compact({"payload": body, "signatures": [{"protected": head, "signature": mark}]})
    yield "a token in a token", sign({**header, "cty": "JWT"}, plain)
    # What it claims.
    other = lambda **more: sign(header, {**claims, **more})
    yield "expired", other(exp=now - 600)
    yield "exp is a text", other(exp=str(now + 600))
    yield "exp is a fraction", other(exp=now + 600.5)
    yield "exp beyond all numbers", sign(header, compact({**claims, "exp": 0}).replace('"exp":0', '"exp":1e400'))
    yield "no exp", sign(header, without(claims, "exp"))
    yield "nbf in an hour", other(nbf=now + 3600)
    yield "nbf is a text", other(nbf=str(now - 60))
    yield "iat in an hour", other(iat=now + 3600)
    yield "another iss", other(iss="https://other.example")
    yield "iss is a list", other(iss=[claims["iss"]])
    yield "no iss", sign(header, without(claims, "iss"))
    yield "another aud", other(aud="other")
    yield "aud with more behind", other(aud=claims["aud"] + "s")
    yield "no aud", sign(header, without(claims, "aud"))
    yield "aud of nobody", other(aud=[])
    yield "no sub", sign(header, without(claims, "sub"))
    yield "sub is a number", other(sub=7)
    yield "exp twice, the past first", sign(header, f'{{"exp":{now - 600},' + compact(claims)[1:])
    yield "exp twice, the past last", sign(header, compact(claims)[:-1] + f',"exp":{now - 600}}}')
    yield "aud twice", sign(header, '{"aud":"other",' + compact(claims)[1:])
    yield "claims are a list", sign(header, compact([claims]))
    yield "bytes after the claims", sign(header, compact(claims) + "{}")
    yield "claims that are no JSON", sign(header, "claims")


def of_others(signer, header, claims):
    """What another issuer may write, and Keyward's own tokens never say."""
    sign = lambda header, claims=claims: signed(signer, header, claims)
    yield "several aud", sign(header, {**claims, "aud": ["other", claims["aud"]]})
    yield "no typ", sign(without(header, "typ"))
    yield "typ JWT", sign({**header, "typ": "JWT"})
    yield "further members", sign({**header, "x5t": "AA"}, {**claims, "tenant": {"id": 7}})
    yield "bound to a key", sign(header, {**claims, "cnf": {"jkt": "AA"}})
    # Whoever can read the public half would be able to sign.
    public = signer.key.public_key()
    formats = {
        "PEM": (serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo),
        "DER": (serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo),
    }
    texts = {name: public.public_bytes(*form) for name, form in formats.items()}
    texts |= {"PEM, trimmed": texts["PEM"].strip(), "JWK": compact(signer.jwk).encode(), "kid": header["kid"].encode(), "nothing": b""}
    for name, secret in texts.items():
        yield f"HS256 with the public key as {name}", signed(Hs256(secret), {**header, "alg": "HS256"}, claims)


def of_es256(signer, header, claims):
    message = ".".join(encode(compact(one).encode()) for one in (header, claims))
    mark = lambda signature: f"{message}.{encode(signature)}"
    raw = signer.sign(message.encode())
    r, s = raw[:32], raw[32:]
    wide = lambda value: value.to_bytes(32, "big")
    yield "signature in DER", mark(signer.der(message.encode()))
    yield "the other s", mark(r + wide(ORDER - int.from_bytes(s, "big")))
    for name, numbers in {
        "r is 0": (bytes(32), s), "s is 0": (r, bytes(32)), "r is the order": (wide(ORDER), s), "s is the order": (r, wide(ORDER)),
        "r is 1": (wide(1), s), "a zero before r": (bytes(1) + r, s), "a zero before r and s": (bytes(1) + r, bytes(1) + s),
    }.items():
        yield name, mark(b"".join(numbers))


def cases_of(signer, header, claims, stranger, more):
    found = [*of_any(signer, header, claims, stranger)]
    for made in more:
        found += made(signer, header, claims)
    return [{"id": f"{signer.alg} {name}", "alg": signer.alg, "token": token} for name, token in found]


def of_an_issuer(asked):
    cases, keys, now = [], [], int(time.time())
    claims = {
        "iss": asked["issuer"], "aud": asked["audience"], "sub": "ada", "scope": "orders:read", "exp": now + 3600, "iat": now, "nbf": now,
    }
    for kind in (Rs256, Es256, EdDsa):
        signer, stranger = kind(), kind()
        header = {"alg": kind.alg, "typ": "at+jwt", "kid": f"key of {kind.alg}"}
        keys.append({**signer.jwk, "kid": header["kid"], "alg": kind.alg, "use": "sig"})
        more = [of_others] + ([of_es256] if kind is Es256 else [])
        cases += cases_of(signer, header, claims, stranger, more)
    return {"keys": {"keys": keys}, "cases": cases}


def of_a_secret(asked):
    signer, stranger = Hs256(asked["secret"].encode()), Hs256(b"another secret of thirty-two bytes")
    header, claims = (json.loads(decode(part)) for part in asked["token"].split(".")[:2])
    key = {**signer.jwk, "kid": header["kid"], "alg": "HS256", "use": "sig"}
    return {"keys": {"keys": [key]}, "cases": cases_of(signer, header, claims, stranger, [])}


asked = json.load(sys.stdin)
print(json.dumps(of_an_issuer(asked) if "issuer" in asked else of_a_secret(asked)))
