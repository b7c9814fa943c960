// A certified OAuth server (npm oidc-provider) on 127.0.0.1, driven by lines of JSON.
//
//   node oidc.mjs --ttl 2 [--grace 60] [--tls good.pem good.key]
//
// Prints one line when it is ready, with a login: {"token_url":…,"client_id":…,"refresh_token":…}. Ends with its
// standard input. Every refresh rotates, and reuse revokes the login; with --grace a refresh token works for so many
// seconds after its first use. Takes one order per line and answers each with one line:
//
//   {"fault":"drop before"}   the next token request is closed unread: nothing rotates
//   {"fault":"drop after"}    the next token request rotates, and its answer is lost
//   {"fault":"503"}           the next token request is answered 503
//   {"fault":{"delay":300}}   the next token request waits so many milliseconds
//   {"stats":true}            {"requests":…,"rotations":…,"refusals":…,"logins_revoked":…}
import { createInterface } from 'node:readline';
import { once } from 'node:events';
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { parseArgs } from 'node:util';
import fs from 'node:fs';
import http from 'node:http';
import https from 'node:https';
import Provider from 'oidc-provider';

const { values: options, positionals } = parseArgs({
  options: { ttl: { type: 'string', default: '3600' }, grace: { type: 'string', default: '0' }, tls: { type: 'boolean' } },
  allowPositionals: true,
});
const ttl = Number(options.ttl);
const grace = Number(options.grace) * 1000;
const clientId = 'tokenward-test';
const stats = { requests: 0, rotations: 0, refusals: 0, logins_revoked: 0 };
const faults = [];

const [cert, key] = positionals.map((file) => fs.readFileSync(file));
const server = options.tls ? https.createServer({ cert, key }) : http.createServer();
server.listen(0, '127.0.0.1');
await once(server, 'listening');
const issuer = `${options.tls ? 'https' : 'http'}://127.0.0.1:${server.address().port}`;

/** Everything the server knows. Its own memory forgets, and knows no grace. */
const entries = new Map();
class Memory {
  constructor(name) { this.name = name; }
  key(id) { return `${this.name}:${id}`; }
  async upsert(id, payload) { entries.set(this.key(id), { payload, usedAt: null }); }
  async find(id) {
    const entry = entries.get(this.key(id));
    if (!entry) return undefined;
    const spent = entry.usedAt !== null && Date.now() - entry.usedAt >= grace;
    return spent ? { ...entry.payload, consumed: Math.floor(entry.usedAt / 1000) } : entry.payload;
  }
  async findByUid() { return undefined; }
  async findByUserCode() { return undefined; }
  async consume(id) {
    const entry = entries.get(this.key(id));
    if (entry) entry.usedAt ??= Date.now();
  }
  async destroy(id) { entries.delete(this.key(id)); }
  async revokeByGrantId(grantId) {
    for (const [id, { payload }] of entries) if (payload.grantId === grantId) entries.delete(id);
  }
}

const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
const provider = new Provider(issuer, {
  adapter: Memory,
  clients: [{
    client_id: clientId,
    application_type: 'native',
    token_endpoint_auth_method: 'none',
    grant_types: ['authorization_code', 'refresh_token'],
    response_types: ['code'],
    redirect_uris: ['http://127.0.0.1/callback'],
  }],
  jwks: { keys: [{ ...privateKey.export({ format: 'jwk' }), kid: 'test', use: 'sig', alg: 'RS256' }] },
  cookies: { keys: [randomBytes(16).toString('hex')] },
  features: { devInteractions: { enabled: false } },
  findAccount: async (_, accountId) => ({ accountId, claims: async () => ({ sub: accountId }) }),
  rotateRefreshToken: true,
  ttl: { AccessToken: ttl, IdToken: ttl, RefreshToken: 86400, Grant: 86400 },
});
provider.on('grant.success', () => { stats.rotations += 1; });
provider.on('grant.error', () => { stats.refusals += 1; });
provider.on('grant.revoked', () => { stats.logins_revoked += 1; });
provider.on('server_error', (_, error) => console.error(error));

const callback = provider.callback();
server.on('request', async (request, response) => {
  if (!request.url.startsWith('/token')) return callback(request, response);
  stats.requests += 1;
  const fault = faults.shift();
  if (fault === 'drop before') return request.socket.destroy();
  if (fault === '503') return response.writeHead(503).end();
  if (fault === 'drop after') response.end = () => { request.socket.destroy(); return response; };
  if (fault?.delay) await new Promise((resolve) => { setTimeout(resolve, fault.delay); });
  return callback(request, response);
});

/** Returns a refresh token as a person with a browser would have brought it about. */
async function login() {
  const grant = new provider.Grant({ accountId: 'alice', clientId });
  grant.addOIDCScope('openid offline_access');
  const client = await provider.Client.find(clientId);
  const token = new provider.RefreshToken({
    accountId: 'alice', client, grantId: await grant.save(), gty: 'authorization_code', scope: 'openid offline_access',
  });
  return token.save();
}

const say = (line) => process.stdout.write(`${JSON.stringify(line)}\n`);
say({ token_url: `${issuer}/token`, client_id: clientId, refresh_token: await login() });
for await (const line of createInterface({ input: process.stdin })) {
  const order = JSON.parse(line);
  if (order.fault) faults.push(order.fault);
  say(order.stats ? stats : {});
}
process.exit(0);
