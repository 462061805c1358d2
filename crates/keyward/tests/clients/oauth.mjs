// Stock clients of others, asked by tests/stock_clients.rs: oauth4webapi and jose against a running server.
// Gets {"base", "id", "secret", "packages"} as JSON on stdin; prints one JSON object of what they saw.

import { createRequire } from 'node:module'
import { pathToFileURL } from 'node:url'
import { text } from 'node:stream/consumers'

const asked = JSON.parse(await text(process.stdin))
const resolve = createRequire(asked.packages + '/').resolve
const oauth = await import(pathToFileURL(resolve('oauth4webapi')))
const jose = await import(pathToFileURL(resolve('jose')))

const insecure = { [oauth.allowInsecureRequests]: true } // the server of the test speaks plain HTTP on loopback
const issuer = new URL(asked.base)
const server = await oauth.processDiscoveryResponse(
  issuer,
  await oauth.discoveryRequest(issuer, { algorithm: 'oauth2', ...insecure }),
)
const client = { client_id: asked.id }
const seen = {}
for (const [name, how] of [['basic', oauth.ClientSecretBasic], ['post', oauth.ClientSecretPost]]) {
  const auth = how(asked.secret)
  const token = await oauth.processClientCredentialsResponse(
    server,
    client,
    await oauth.clientCredentialsGrantRequest(server, client, auth, { scope: 'orders:read' }, insecure),
  )
  const call = async (access) =>
    (await fetch(asked.base + '/orders', { headers: { authorization: `Bearer ${access}` } })).status
  const status = await call(token.access_token)
  const renewed = await oauth.processRefreshTokenResponse(
    server,
    client,
    await oauth.refreshTokenGrantRequest(server, client, auth, token.refresh_token, insecure),
  )
  const told = await oauth.processIntrospectionResponse(
    server,
    client,
    await oauth.introspectionRequest(server, client, auth, renewed.access_token, insecure),
  )
  const keys = jose.createRemoteJWKSet(new URL(server.jwks_uri))
  const { payload } = await jose.jwtVerify(renewed.access_token, keys, {
    issuer: server.issuer,
    audience: 'keyward',
    typ: 'at+jwt',
  })
  const revoked = await oauth.revocationRequest(server, client, auth, renewed.access_token, insecure)
  await oauth.processRevocationResponse(revoked)
  seen[name] = {
    status,
    scope: token.scope,
    renewed: renewed.access_token !== token.access_token,
    active: told.active,
    sid: payload.sid,
    after: await call(renewed.access_token),
  }
}
console.log(JSON.stringify(seen))
