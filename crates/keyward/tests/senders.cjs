// Signs a webhook with the library of Standard Webhooks for Node; asked and answering as senders.py.
const { Webhook } = require("standardwebhooks");
const { secret, body, time, id } = JSON.parse(require("fs").readFileSync(0, "utf8"));
const signature = new Webhook(secret).sign(id, new Date(time * 1000), body);
console.log(`webhook-id: ${id}\nwebhook-timestamp: ${time}\nwebhook-signature: ${signature}`);
