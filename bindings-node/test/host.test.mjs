// A host of one's own, as the example has it, against the strict provider; and what becomes of a request by `fetch`.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { test } from 'node:test';

import { FileStore, Machine, TokenSource } from '../index.mjs';
import sending from '../lib/send.cjs';
import { World, ended, nextLine } from './world.mjs';

const { send } = sending;
/** The example, which imports the package by its name. */
const { Host } = await import('../examples/fetch-host.mjs');

test('a host of ones own shares the login with a source', async (t) => {
  const world = await World.start(t);
  const source = new TokenSource(world.settings);
  const host = new Host(world.settings);

  const tokens = await Promise.all([...Array.from({ length: 20 }, () => host.getToken()), source.getToken()]);

  assert.equal(new Set(tokens.map((token) => token.expose())).size, 1);
  assert.equal((await world.stats()).requests, 1);
  await source.close();
  assert.equal(world.read().access_token, tokens[0].expose());
});

test('a host tells errors', async (t) => {
  const world = await World.start(t);
  world.write({ version: 1 });

  await assert.rejects(new Host(world.settings).getToken(), { code: 'signed_out' });
});

test('a process with a host ends when nobody waits, and not before its answer is saved', async (t) => {
  const world = await World.start(t);
  await world.control({ hold: true });
  const child = world.script(`
    const { Host } = await import(${JSON.stringify(new URL('../examples/fetch-host.mjs', import.meta.url).href)});
    new Host(settings).getToken().then((token) => console.log(token.expose()));
  `);
  await world.wait('held');

  await world.control({ hold: false });

  const token = await nextLine(child);
  assert.equal(await ended(child), 0);
  assert.equal(world.read().access_token, token);
});

/** The outcome of one refresh by a `fetch` of the test: the first error or token that a caller sees, and what was told. */
async function refresh(t, settings, fetch) {
  const world = await World.start(t);
  const all = { ...world.settings, ...settings(world) };
  const [machine, store] = [new Machine(all), new FileStore(all.store)];
  const told = [];
  const inputs = [{ kind: 'want', waiter: 1, deadline: 1 }];
  while (inputs.length > 0) {
    for (const effect of machine.step({ wall: Date.now(), mono: 0 }, inputs.shift()).effects) {
      if (effect.kind === 'emit') told.push(effect.event);
      else if (effect.kind === 'fetch') inputs.push(await effect.send(fetch));
      else if (effect.kind !== 'deliver') inputs.push(store.perform(effect));
    }
  }
  const failed = told.find(({ kind }) => kind === 'refresh_failed')?.error;
  return { world, failed, unknown: machine.status().unknownOutcome };
}

/** A port where nobody listens. */
async function closedPort() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  await once(server, 'close');
  return port;
}

test('a request that met no server was not sent, and its refresh token is unspent', async (t) => {
  const port = await closedPort();

  const { failed, unknown } = await refresh(t, () => ({ token_url: `http://127.0.0.1:${port}/token` }));

  assert.deepEqual([failed.code, unknown], ['unavailable', false]);
  assert.match(failed.message, /ECONNREFUSED/);
});

test('a request whose connection broke may have been sent', async (t) => {
  const server = createServer((socket) => socket.once('data', () => socket.resetAndDestroy())).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());

  const { failed, unknown } = await refresh(t, () => ({ token_url: `http://127.0.0.1:${server.address().port}/token` }));

  assert.deepEqual([failed.code, unknown], ['unavailable', true]);
});

test('a certificate that nobody vouches for is a matter of the network, and nothing was sent', async (t) => {
  const untrusted = () => Promise.reject(new TypeError('fetch failed', { cause: Object.assign(new Error('x'), { code: 'SELF_SIGNED_CERT_IN_CHAIN' }) }));

  const { failed, unknown } = await refresh(t, () => ({}), untrusted);

  assert.deepEqual([failed.code, unknown], ['blocked', false]);
});

test('a redirect is not followed, and no connection is reused', async (t) => {
  const seen = [];
  const page = async (url, options) => {
    seen.push(options);
    return new Response('', { status: 302, headers: { location: 'https://portal.test/' } });
  };

  const { failed } = await refresh(t, () => ({}), page);

  assert.equal(failed.code, 'blocked');
  assert.deepEqual(seen.map(({ method, redirect, headers }) => [method, redirect, headers.connection]), [['POST', 'manual', 'close']]);
});

test('an answer without an end is cut', async () => {
  let isCancelled = false;
  const endless = new ReadableStream({
    pull: (controller) => controller.enqueue(new Uint8Array(100_000)),
    cancel: () => (isCancelled = true),
  });
  const request = { url: 'https://id.test/token', headers: () => ({}), body: () => Buffer.alloc(0), timeout: 1000 };

  const { body } = await send(request, async () => new Response(endless, { status: 200 }));

  assert.deepEqual([body.length, isCancelled], [256 * 1024, true]);
});
