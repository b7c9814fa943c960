// The machine's own rules: an effect is answered once, and by the machine's own answer.
import assert from 'node:assert/strict';
import buffer from 'node:buffer';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { format, inspect } from 'node:util';

import { FileStore, Grant, Machine, readAnswer } from '../index.mjs';

const NOW = { wall: 1_800_000_000_000, mono: 12_000 };
const SETTINGS = { token_url: 'https://id.test/token', client_id: 'c', client_secret: 'client-secret-1' };
const STORE = Buffer.from('{"version":1,"access_token":"access-token-1","refresh_token":"refresh-token-1","expires_at":"2026-01-01T00:00:00Z"}');

/** A machine, and the first thing it wants to know. */
function asked() {
  const machine = new Machine(SETTINGS);
  const effects = machine.step(NOW, { kind: 'want', waiter: 1 }).effects.filter(({ kind }) => kind !== 'emit');
  assert.deepEqual(effects.map(({ kind }) => kind), ['load']);
  return { machine, load: effects[0] };
}

/** A folder that ends with the test. */
function folder(t) {
  const path = mkdtempSync(join(tmpdir(), 'tokenward-machine-'));
  t.after(() => rmSync(path, { recursive: true }));
  return path;
}

test('an effect is answered once', () => {
  const { load } = asked();
  load.answer();

  assert.throws(() => load.answer(), /answered already/);
  assert.throws(() => load.journal, /answered already/);
});

test('a store carries an effect out once, here or on another thread', async (t) => {
  const { load } = asked();
  const store = new FileStore(join(folder(t), 'login.json'));
  await store.performAsync(load);

  assert.throws(() => store.perform(load), /answered already/);
  assert.throws(() => store.performAsync(load), /answered already/);
  assert.ok(store.resolved().endsWith('login.json'));
});

test('an answer is fed once', () => {
  const { machine, load } = asked();
  const answer = load.answer();

  const delivered = machine.step(NOW, answer).effects.filter(({ kind }) => kind === 'deliver');

  assert.deepEqual(delivered.map(({ error }) => error.code), ['signed_out']);
  assert.throws(() => machine.step(NOW, answer), /fed already/);
});

test('what is known of the credential is told, and what may be handed out', () => {
  const { machine, load } = asked();
  assert.equal(machine.current(), null);
  const fresh = { version: 1, access_token: 'access-token-1', refresh_token: 'refresh-token-1', expires_at: new Date(NOW.wall + 3_600_000).toISOString() };

  machine.step(NOW, load.answer({ store: Buffer.from(JSON.stringify(fresh)) }));

  const { token, earlyAt, endsAt } = machine.current();
  assert.equal(token.expose(), 'access-token-1');
  assert.ok(NOW.wall < earlyAt.wall && earlyAt.wall < endsAt.wall && endsAt.wall < NOW.wall + 3_600_000);
  assert.equal(machine.status().accessToken, token.fingerprint);
  assert.equal(machine.mustStay(), false);
});

test('what nobody knows is refused', () => {
  const { machine, load } = asked();
  const wrong = { name: 'TypeError' };
  assert.throws(() => machine.step(NOW, { kind: 'wants' }), { ...wrong, message: /wants/ });
  assert.throws(() => machine.step(NOW, { kind: 'want', waiter: 1.5 }), { ...wrong, message: /waiter/ });
  assert.throws(() => machine.step(NOW, { kind: 'want', waiter: 1, deadline: -1 }), { ...wrong, message: /deadline/ });
  assert.throws(() => machine.step(NOW, { kind: 'adopt', waiter: 1, grant: { refreshToken: 7 } }), wrong);
  assert.throws(() => machine.step({ wall: NOW.wall, mono: -1 }, { kind: 'tick' }), /mono/);
  assert.throws(() => load.answer({ store: { kind: 'no_such', detail: '' } }), /no such kind of fault/);
  const [lock] = machine.step(NOW, load.answer({ store: STORE })).effects.filter(({ kind }) => kind === 'try_lock');
  assert.throws(() => lock.answer('moved'), /busy/);
  assert.throws(() => new FileStore('login.json', { format: 'no_such' }), /format/);
  assert.throws(() => new Machine({ ...SETTINGS, timeout: 'soon' }), { ...wrong, message: /timeout = "soon"/ });
});

test('a caller who waits for ever sets no timer that is too long for Node', () => {
  const { machine, load } = asked();
  machine.step(NOW, { kind: 'want', waiter: 2, deadline: Infinity });
  machine.step(NOW, { kind: 'forget', waiter: 1 });

  const { wakeIn } = machine.step(NOW, { kind: 'tick' });

  assert.ok(wakeIn === null || wakeIn <= 2 ** 31 - 1, `${wakeIn}`);
  load.answer();
});

test('a grant gives back what it was made of, and nulls for the rest', () => {
  const members = {
    refreshToken: 'refresh-token-1', scope: 'a b', account: 'alice',
    expiresAt: new Date(1), refreshTokenExpiresAt: new Date(2), issuedAt: new Date(3),
  };
  const grant = new Grant({ ...members, accessToken: 'access-token-1' });
  const read = ({ accessToken, scope, account, refreshTokenExpiresAt, issuedAt }, refreshToken) =>
    ({ refreshToken, scope, account, expiresAt: accessToken?.expiresAt ?? null, refreshTokenExpiresAt, issuedAt });

  assert.deepEqual(read(grant, grant.exposeRefreshToken()), members);
  assert.equal(grant.accessToken.expose(), 'access-token-1');
  const copied = new Grant({ accessToken: grant.accessToken });
  assert.equal(copied.accessToken.expiresAt.getTime(), 1);
  const empty = new Grant();
  assert.deepEqual(new Set(Object.values(read(empty, empty.exposeRefreshToken()))), new Set([null]));
});

// Else a long form would hide its token by its length.
buffer.INSPECT_MAX_BYTES = Infinity;

const SECRETS = ['access-token-1', 'refresh-token-1', 'access-token-2', 'refresh-token-2', 'client-secret-1'];

/** Everything a thing becomes when somebody prints or copies it without thinking. */
const CHANNELS = {
  log: (thing) => inspect(thing, { depth: 9 }),
  hidden: (thing) => inspect(thing, { depth: 9, showHidden: true, getters: true }),
  raw: (thing) => inspect(thing, { depth: 9, showHidden: true, getters: true, customInspect: false }),
  format: (thing) => format('%s %o %O %j', thing, thing, thing, thing),
  json: (thing) => JSON.stringify({ thing }),
  clone: (thing) => inspect(structuredClone(thing), { depth: 9, showHidden: true, maxArrayLength: Infinity }),
  spread: (thing) => inspect({ ...thing }, { depth: 9 }),
};

/** Says which secrets a channel tells, also where they stand as bytes. */
function told(text) {
  const dense = text.replaceAll(/\s/g, '');
  const spellings = (secret) => [secret, Buffer.from(secret).toString('hex'), [...Buffer.from(secret)].join(',')];
  return SECRETS.filter((secret) => spellings(secret).some((spelling) => dense.includes(spelling)));
}

test('each channel would tell a secret that is not kept, as a text or as bytes', () => {
  for (const [name, channel] of Object.entries(CHANNELS)) {
    assert.deepEqual(told(channel({ body: 'refresh-token-1' })), ['refresh-token-1'], name);
    assert.ok(told(channel({ body: Buffer.from('refresh-token-1') })).includes('refresh-token-1'), name);
  }
  assert.deepEqual(told(CHANNELS.raw(new (class { get body() { return 'refresh-token-1'; } })())), ['refresh-token-1']);
});

test('no effect, event, grant or answer tells a secret', (t) => {
  const store = new FileStore(join(folder(t), 'login.json'));
  const machine = new Machine(SETTINGS);
  const inputs = [{ kind: 'adopt', waiter: 1, grant: new Grant({ accessToken: 'access-token-1', refreshToken: 'refresh-token-1', expiresAt: new Date(NOW.wall) }) }];
  const seen = new Set();
  while (inputs.length > 0) {
    const { effects } = machine.step(NOW, inputs.shift());
    for (const effect of effects) {
      seen.add(effect.kind);
      const things = [effect, effect.request, effect.journal, effect.frame, effect.event, effect.token].filter((thing) => thing != null);
      for (const [name, channel] of Object.entries(CHANNELS)) {
        for (const thing of things) assert.deepEqual(told(channel(thing)), [], `${effect.kind} ${name}`);
      }
      if (effect.kind === 'deliver') {
        if (effect.waiter === 1) inputs.push({ kind: 'want', waiter: 2 });
        else assert.equal(effect.token.expose(), 'access-token-2');
      } else if (effect.kind === 'fetch') {
        assert.ok(effect.request.body().includes('refresh-token-1'));
        inputs.push(effect.answer({ status: 200, body: '{"access_token":"access-token-2","refresh_token":"refresh-token-2","token_type":"Bearer","expires_in":3600}' }));
      } else if (effect.kind !== 'emit') inputs.push(store.perform(effect));
    }
  }
  assert.deepEqual([...seen].sort(), ['commit', 'deliver', 'emit', 'fetch', 'load', 'note', 'prepare', 'stage', 'try_lock', 'unlock'].sort());
  const answered = readAnswer({ status: 200, body: '{"access_token":"access-token-2","refresh_token":"refresh-token-2","token_type":"Bearer"}' }, NOW.wall);
  assert.equal(answered.grant.exposeRefreshToken(), 'refresh-token-2');
  for (const [name, channel] of Object.entries(CHANNELS)) assert.deepEqual(told(channel(answered) + channel(answered.grant) + channel(machine)), [], name);
});
