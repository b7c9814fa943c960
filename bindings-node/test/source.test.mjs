import assert from 'node:assert/strict';
import { test } from 'node:test';

import { AccessToken, ReauthRequiredError, SignedOutError, TokenSource } from '../index.mjs';
import { World, ended, nextLine } from './world.mjs';

test('many callers cost one request and get the same token', async (t) => {
  const world = await World.start(t);
  const source = new TokenSource(world.settings);

  const tokens = await Promise.all(Array.from({ length: 250 }, () => source.getToken()));

  assert.equal(new Set(tokens).size, 1);
  const { requests, rotations } = await world.stats();
  assert.deepEqual({ requests, rotations }, { requests: 1, rotations: 1 });
  await source.close();
  assert.equal(tokens[0].expose(), world.read().access_token);
});

test('a refresh gives another token, and everybody gets that one', async (t) => {
  const world = await World.start(t);
  const [one, other] = [new TokenSource(world.settings), new TokenSource(world.settings)];

  const before = await one.getToken();
  const after = await other.refresh();

  assert.notEqual(before.expose(), after.expose());
  assert.equal((await other.getToken()).expose(), after.expose());
  await one.look();
  assert.equal((await one.getToken()).expose(), after.expose());
  await Promise.all([one.close(), other.close()]);
});

test('an aborted wait ends at once and the refresh goes on', async (t) => {
  const world = await World.start(t);
  await world.control({ hold: true });
  const source = new TokenSource(world.settings);
  const abort = new AbortController();

  const waiting = source.getToken({ signal: abort.signal });
  await world.wait('held');
  abort.abort(new Error('enough'));
  await assert.rejects(waiting, /enough/);
  await world.control({ hold: false });
  const token = await source.getToken();

  const { requests, rotations } = await world.stats();
  assert.deepEqual({ requests, rotations }, { requests: 1, rotations: 1 });
  await assert.rejects(source.getToken({ signal: AbortSignal.abort(new Error('before')) }), /before/);
  await source.close();
  assert.equal(world.read().access_token, token.expose());
});

test('a process that exits while its refresh token is on its way saves the answer first', async (t) => {
  const world = await World.start(t);
  await world.control({ hold: true });
  const child = world.script(`
    const source = new TokenSource(settings);
    source.getToken();
    process.stdin.once('data', () => { process.on('exit', () => console.log('exiting')); process.exit(0); });
  `);
  await world.wait('held');
  child.stdin.write('exit');
  assert.equal(await nextLine(child), 'exiting');
  assert.equal(world.read().access_token, undefined);

  await world.control({ hold: false });

  assert.equal(await ended(child), 0);
  assert.ok(world.read().access_token);
  assert.notEqual(world.read().refresh_token, world.ready.refresh_token);
});

test('a process whose only wait was aborted ends, and saves the answer that was on its way first', async (t) => {
  const world = await World.start(t);
  await world.control({ hold: true });
  const child = world.script(`
    const source = new TokenSource(settings);
    const abort = new AbortController();
    process.stdin.once('data', () => { abort.abort(new Error('enough')); process.stdin.destroy(); });
    await source.getToken({ signal: abort.signal }).catch((error) => console.log(error.message));
  `);
  await world.wait('held');
  child.stdin.write('abort');
  assert.equal(await nextLine(child), 'enough');
  assert.equal(world.read().access_token, undefined);

  await world.control({ hold: false });

  assert.equal(await ended(child), 0);
  assert.ok(world.read().access_token);
  assert.notEqual(world.read().refresh_token, world.ready.refresh_token);
});

test('a worker that is terminated while its refresh token is on its way takes nothing with it', async (t) => {
  const world = await World.start(t);
  await world.control({ hold: true });
  const child = world.script(`
    const { Worker } = require('node:worker_threads');
    const code = \`const { workerData } = require('node:worker_threads');
      const { TokenSource } = require(workerData.index);
      new TokenSource(workerData.settings).getToken();\`;
    const worker = new Worker(code, { eval: true, workerData: { index, settings } });
    process.stdin.once('data', async () => {
      process.stdin.destroy();
      await worker.terminate();
      console.log('terminated');
    });
  `);
  await world.wait('held');
  child.stdin.write('terminate');

  const terminated = nextLine(child);
  await world.control({ hold: false });

  assert.equal(await terminated, 'terminated');
  assert.equal(await ended(child), 0);
  assert.ok(world.read().access_token);
  assert.notEqual(world.read().refresh_token, world.ready.refresh_token);
  assert.equal((await world.stats()).requests, 1);
});

test('an idle source keeps no event loop alive, and one that waits does', async (t) => {
  const world = await World.start(t);
  const child = world.script(`
    const source = new TokenSource(settings);
    source.on('news', () => {});
    console.log((await source.getToken()).fingerprint);
  `);

  assert.match(await nextLine(child), /^[0-9a-f]{8}$/);
  assert.equal(await ended(child), 0);
});

test('a source in a worker ends with it', async (t) => {
  const world = await World.start(t);
  const child = world.script(`
    const { Worker } = require('node:worker_threads');
    const code = \`const { parentPort, workerData } = require('node:worker_threads');
      const { TokenSource } = require(workerData.index);
      new TokenSource(workerData.settings).getToken().then((token) => parentPort.postMessage(token.expose()));\`;
    const texts = await Promise.all([1, 2, 3].map(() => new Promise((resolve, reject) => {
      const worker = new Worker(code, { eval: true, workerData: { index, settings } });
      let text;
      worker.on('message', (message) => { text = message; }).on('error', reject).on('exit', () => resolve(text));
    })));
    console.log(texts.length, new Set(texts).size);
  `);

  assert.equal(await nextLine(child), '3 1');
  assert.equal(await ended(child), 0);
  assert.equal((await world.stats()).requests, 1);
});

test('a login is saved, guarded and removed', async (t) => {
  const world = await World.start(t);
  const source = new TokenSource(world.settings);
  const { access_token: accessToken, refresh_token: refreshToken } = await world.control({ login: 'access' });

  await source.clear();
  await assert.rejects(source.getToken(), SignedOutError);
  await source.save({ accessToken, refreshToken, expiresAt: new Date(Date.now() + 3_600_000), account: 'alice' });
  assert.equal((await source.getToken()).expose(), accessToken);
  await assert.rejects(source.save({ accessToken: 'access-token-1' }), { code: 'downgrade' });
  await assert.rejects(source.save({ refreshToken: 'refresh-token-9', account: 'bob' }), { code: 'account_mismatch' });
  await source.save({ refreshToken: 'refresh-token-9', account: 'bob' }, { replace: true });

  assert.equal(world.read().account, 'bob');
  await source.close();
});

test('a login that is over is told as such, with its reason', async (t) => {
  const world = await World.start(t);
  const source = new TokenSource(world.settings);
  const told = new Promise((resolve) => source.once('reauthRequired', resolve));
  await world.control({ revoke: 'family' });

  const error = await source.getToken().catch((error) => error);

  assert.ok(error instanceof ReauthRequiredError);
  assert.deepEqual([error.code, error.reason, error.act], ['reauth_required', 'revoked', 'sign_in']);
  assert.equal((await told).reason, 'revoked');
  const { dead } = structuredClone(await source.status());
  assert.equal(dead, 'revoked');
  assert.equal(JSON.parse(JSON.stringify(error)).act, 'sign_in');
  await source.close();
});

test('the news tell what happened, by fingerprints', async (t) => {
  const world = await World.start(t);
  const source = new TokenSource(world.settings);
  const news = [];
  const saved = new Promise((resolve) => source.once('saved', resolve));
  source.on('news', (item) => news.push(item));

  const token = await source.getToken();
  await saved;

  const rotated = news.find(({ kind }) => kind === 'rotated');
  assert.equal(rotated.level, 'info');
  assert.ok(rotated.message.includes(token.fingerprint), rotated.message);
  assert.ok(!JSON.stringify(news).includes(token.expose()));
  await source.close();
});

test('the state tells no secret and everything else', async (t) => {
  const world = await World.start(t);
  const source = new TokenSource(world.settings);
  const token = await source.getToken();
  await source.look();
  const status = await source.status();

  assert.equal(status.accessToken, token.fingerprint);
  assert.equal(status.expiresAt.getTime(), token.expiresAt.getTime());
  assert.equal(status.fault, null);
  assert.equal(status.holder.pid, process.pid);
  const { access_token, refresh_token } = world.read();
  const text = JSON.stringify(structuredClone(status));
  assert.ok(!text.includes(access_token) && !text.includes(refresh_token));
  await source.close();
  await assert.rejects(source.getToken(), { code: 'unavailable' });
});

test('what cannot be used is a TypeError that names it', () => {
  const settings = { store: 'login.json', token_url: 'https://id.test/token', client_id: 'my-client' };
  for (const [wrong, message] of [
    [{ ...settings, timeout: 'soon' }, /timeout = "soon"/],
    [{ ...settings, tiemout: 3 }, /tiemout: unknown setting/],
    [{ token_url: settings.token_url, client_id: settings.client_id }, /store: missing/],
    [null, /not an object/],
  ]) {
    assert.throws(() => new TokenSource(wrong), { name: 'TypeError', message });
  }
});

test('a fixed token serves the tests of others', async () => {
  const source = TokenSource.static('access-token-1');
  assert.equal(await source.authorization(), 'Bearer access-token-1');
  assert.equal((await TokenSource.static(new AccessToken('access-token-2')).getToken()).expose(), 'access-token-2');
});

test('the state of a store that is signed out says so in a renderer too', async (t) => {
  const world = await World.start(t);
  world.write({ version: 1 });
  const source = new TokenSource(world.settings);
  await source.look().catch(() => {});

  const { fault } = structuredClone(await source.status());

  assert.deepEqual([fault.code, fault.act, fault.name], ['signed_out', 'sign_in', 'SignedOutError']);
  await source.close();
});
