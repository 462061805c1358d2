"""Signs webhooks with nothing of Keyward's: the libraries of others, and openssl for what they describe in words.

Reads {"by": …, "secret": …, "body": …, "time": second, "id": …} from stdin and writes the headers, one "Name: value" a line.
"""

import datetime
import json
import subprocess
import sys

asked = json.load(sys.stdin)
by, secret, body, time = asked["by"], asked["secret"], asked["body"], asked["time"]
identity = asked.get("id", "msg_1")


def openssl(text):
    """HMAC-SHA-256 in hexadecimal; the key goes by its bytes, so that no shell reads it."""
    ways = ["openssl", "dgst", "-sha256", "-mac", "HMAC", "-macopt", "hexkey:" + secret.encode().hex()]
    done = subprocess.run(ways, input=text.encode(), capture_output=True, check=True)
    return done.stdout.decode().rsplit(" ", 1)[-1].strip()


moment = datetime.datetime.fromtimestamp(time, tz=datetime.timezone.utc)
if by == "hmac":
    print(f"X-Signature-256: sha256={openssl(body)}")
elif by == "hmac with time":
    print(f"X-Signature-256: sha256={openssl(f'{time}.{body}')}\nX-Timestamp: {time}")
elif by == "stripe":
    print(f"Stripe-Signature: t={time},v1={openssl(f'{time}.{body}')},v0=6ffbb59b2300aae63f272406069a9788598b792a944a07aba816edb039989a39")
elif by == "standardwebhooks":
    from standardwebhooks import Webhook

    signature = Webhook(secret).sign(identity, moment, body)
    print(f"webhook-id: {identity}\nwebhook-timestamp: {time}\nwebhook-signature: {signature}")
elif by == "svix":
    from svix.webhooks import Webhook

    signature = Webhook(secret).sign(identity, moment, body)
    print(f"svix-id: {identity}\nsvix-timestamp: {time}\nsvix-signature: {signature}")
else:
    sys.exit(f"nobody is called {by}")
