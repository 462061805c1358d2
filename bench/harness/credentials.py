"""What requests carry: files of one header a line for the load, and the same keys in the form of each rival's map."""

import base64

from . import own, tokens


class Credentials:
    """Files in the folder of a run, made when they are first asked for."""

    def __init__(self, home, options):
        self.home = home
        self.options = options
        self.secret = "a-secret-of-the-benchmark-that-guards-nothing"
        self.public_key = home / "rs256-public.pem"
        self.first = {}

    def keys(self, keys, pairs):
        """Everything that is made from the keys and the pairs of Keyward."""
        basic = (base64.b64encode(f"{key}:{secret}".encode()).decode() for key, secret in pairs)
        self._headers("pairs", [f"Authorization: Basic {text}" for text in basic])
        self._headers("keys", [f"X-API-Key: {key}" for key in keys])
        self._headers("guesses", [f"X-API-Key: {own.guess(key)}" for key in keys])
        named = [(key, f"caller-{number}") for number, key in enumerate(keys, 1)]
        (self.home / "keys.map").write_text("".join(f"{key} {name}\n" for key, name in named))
        (self.home / "keys.nginx").write_text("".join(f'"{key}" {name};\n' for key, name in named))
        (self.home / "keys.list").write_text("".join(f"{key}\n" for key in keys))

    def make(self, name, of_keyward):
        """The file of that name; `of_keyward` gives the tokens that only its server can make."""
        if name is None:
            return None
        path = self.home / f"{name}.headers"
        if not path.exists():
            self._headers(name, [f"Authorization: Bearer {token}" for token in self._tokens(name, of_keyward)])
        return path

    def _tokens(self, name, of_keyward):
        if name == "tokens-hs256":
            return tokens.hs256(self.options.tokens, self.secret)
        if name == "tokens-rs256":
            made, _ = tokens.rs256(self.options.tokens, self.home)
            return made
        return of_keyward()

    def _headers(self, name, lines):
        (self.home / f"{name}.headers").write_text("".join(f"{line}\n" for line in lines))
        self.first[name] = lines[0].split(": ", 1)

    def values(self):
        """What templates may ask for."""
        return {
            "keys_map": self.home / "keys.map", "keys_nginx": self.home / "keys.nginx", "keys_list": self.home / "keys.list",
            "token_secret": self.secret, "token_public_key": self.public_key,
        }
