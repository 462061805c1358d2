"""JWTs for contenders that make none: the claims of Keyward's own, signed with HS256 or RS256 by what the system has."""

import base64
import hashlib
import hmac
import json
import secrets
import subprocess
import time

from .failure import Failed


def make(count, algorithm, sign):
    """That many tokens with claims as long as those of Keyward."""
    now = int(time.time())
    header = _part(json.dumps({"alg": algorithm, "typ": "at+jwt", "kid": "sig_" + secrets.token_hex(11)}))
    tokens = []
    for _ in range(count):
        claims = {
            "iss": "keyward", "aud": "keyward", "sub": "user_" + secrets.token_hex(11), "sid": "ses_" + secrets.token_hex(11),
            "jti": "tok_" + secrets.token_hex(11), "scope": "self:*", "exp": now + 86400, "iat": now, "nbf": now,
        }
        signed = f"{header}.{_part(json.dumps(claims, separators=(',', ':')))}"
        tokens.append(f"{signed}.{_encoded(sign(signed.encode()))}")
    return tokens


def hs256(count, secret):
    """Signed with a shared secret."""
    return make(count, "HS256", lambda text: hmac.new(secret.encode(), text, hashlib.sha256).digest())


def rs256(count, home):
    """Signed with RSA, 2048 bits; the tokens, and the file of the public key."""
    private, public = home / "rs256.pem", home / "rs256-public.pem"
    _openssl("genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048", "-out", str(private))
    _openssl("pkey", "-in", str(private), "-pubout", "-out", str(public))
    sign = lambda text: _openssl("dgst", "-sha256", "-sign", str(private), given=text)
    return make(count, "RS256", sign), public


def _openssl(*arguments, given=None):
    done = subprocess.run(["openssl", *arguments], input=given, capture_output=True, timeout=30)
    if done.returncode != 0:
        raise Failed(f"openssl {arguments[0]}: {done.stderr.decode(errors='replace')}")
    return done.stdout


def _part(text):
    return _encoded(text.encode())


def _encoded(raw):
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
