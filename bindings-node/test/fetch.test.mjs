import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { test } from 'node:test';

import { TokenSource } from '../index.mjs';
import { World } from './world.mjs';

/** A resource server: answers by `answer(request, turn)` and remembers what it got. */
async function resource(t, answer) {
  const seen = [];
  const server = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk) => (body += chunk)).on('end', () => {
      seen.push({ authorization: request.headers.authorization, body, path: request.url });
      const { status = 200, headers = {}, text = 'ok' } = answer(request, seen.length);
      response.writeHead(status, headers).end(text);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  return { url: `http://127.0.0.1:${server.address().port}`, seen };
}

const refused = { status: 401, headers: { 'www-authenticate': 'Bearer error="invalid_token"' } };

/** A source whose token is old enough for a refusal to be believed. */
async function old(world) {
  const { access_token, refresh_token } = await world.control({ login: 'access' });
  const minutes = (count) => new Date(Date.now() + count * 60_000).toISOString();
  world.write({ version: 1, access_token, refresh_token, issued_at: minutes(-5), expires_at: minutes(50) });
  return { source: new TokenSource(world.settings), first: access_token };
}

test('a refused token is replaced and the request repeated once', async (t) => {
  const world = await World.start(t);
  const { source, first } = await old(world);
  const api = await resource(t, (request) => (request.headers.authorization === `Bearer ${first}` ? refused : {}));

  const response = await source.fetch(api.url, { method: 'POST', body: 'hello' });

  await source.close();
  assert.equal(response.status, 200);
  assert.deepEqual(api.seen.map(({ body }) => body), ['hello', 'hello']);
  assert.equal(api.seen[1].authorization, `Bearer ${world.read().access_token}`);
  assert.equal((await world.stats()).requests, 1);
});

test('a token that is refused again is not replaced again', async (t) => {
  const world = await World.start(t);
  const { source } = await old(world);
  const api = await resource(t, () => refused);

  assert.equal((await source.fetch(api.url)).status, 401);
  assert.equal((await source.fetch(api.url)).status, 401);

  assert.equal((await world.stats()).requests, 1);
  assert.equal(api.seen.length, 3);
  await source.close();
});

test('a missing scope leads to no refresh', async (t) => {
  const world = await World.start(t);
  const { source } = await old(world);
  const api = await resource(t, () => ({ status: 401, headers: { 'www-authenticate': 'Bearer error="insufficient_scope"' } }));

  assert.equal((await source.fetch(api.url)).status, 401);

  assert.equal((await world.stats()).requests, 0);
  assert.equal(api.seen.length, 1);
  await source.close();
});

test('a stream is sent once', async (t) => {
  const world = await World.start(t);
  const { source } = await old(world);
  const api = await resource(t, () => refused);
  const body = new Blob(['hello']).stream();

  assert.equal((await source.fetch(api.url, { method: 'POST', body, duplex: 'half' })).status, 401);

  assert.equal(api.seen.length, 1);
  const token = await source.getToken();
  await source.close();
  assert.equal(world.read().access_token, token.expose());
});

test('a token is never sent to another origin, and its refusal there is not believed', async (t) => {
  const world = await World.start(t);
  const { source } = await old(world);
  const other = await resource(t, () => refused);
  const api = await resource(t, () => ({ status: 302, headers: { location: `${other.url}/stolen` } }));

  assert.equal((await source.fetch(api.url)).status, 401);

  assert.deepEqual(other.seen.map(({ authorization, path }) => [authorization, path]), [[undefined, '/stolen']]);
  assert.ok(api.seen[0].authorization.startsWith('Bearer '));
  assert.equal((await world.stats()).requests, 0);
  await source.close();
});
