// What jose and jsonwebtoken say of tokens and of signatures, each used as its own documentation shows.
//
// Reads and writes like verify.py; the folder that the libraries are in is the first argument. jsonwebtoken has no EdDSA.

import { createPublicKey, createSecretKey } from "node:crypto";
import { createRequire } from "node:module";
import { createInterface } from "node:readline";
import { pathToFileURL } from "node:url";

const require = createRequire(`${process.argv[2]}/node_modules/`);
const jose = await import(pathToFileURL(require.resolve("jose")));
const jsonwebtoken = require("jsonwebtoken");

async function withJose({ token, alg, keys, issuer, audience }) {
  const options = { algorithms: [alg] };
  // A secret is a key of its own; public keys are looked up by name.
  const [first] = keys.keys;
  const key = first?.kty === "oct" ? await jose.importJWK(first, alg) : jose.createLocalJWKSet(keys);
  if (issuer === undefined) return jose.compactVerify(token, key, options);
  return jose.jwtVerify(token, key, { ...options, issuer, audience, requiredClaims: ["exp", "sub"] });
}

function keyOf(keys, header) {
  const named = keys.keys.filter((key) => key.kid === header?.kid);
  const jwk = named.length === 1 ? named[0] : keys.keys.length === 1 ? keys.keys[0] : undefined;
  if (!jwk) throw new Error("no key");
  return jwk.kty === "oct" ? createSecretKey(jwk.k, "base64url") : createPublicKey({ key: jwk, format: "jwk" });
}

function withJsonwebtoken({ token, alg, keys, issuer, audience }) {
  const whole = issuer === undefined ? { ignoreExpiration: true, ignoreNotBefore: true } : { issuer, audience };
  return new Promise((accept, refuse) => {
    const find = (header, found) => {
      try {
        found(null, keyOf(keys, header));
      } catch (error) {
        found(error);
      }
    };
    jsonwebtoken.verify(token, find, { algorithms: [alg], ...whole }, (error, read) => (error ? refuse(error) : accept(read)));
  });
}

async function verdict(library, asked) {
  try {
    await library(asked);
    return "accepted";
  } catch {
    return "refused";
  }
}

for await (const line of createInterface({ input: process.stdin })) {
  const asked = JSON.parse(line);
  const said = { id: asked.id, jose: await verdict(withJose, asked) };
  said.jsonwebtoken = asked.alg === "EdDSA" ? "not offered" : await verdict(withJsonwebtoken, asked);
  console.log(JSON.stringify(said));
}
