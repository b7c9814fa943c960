import assert from 'node:assert/strict';
import { test } from 'node:test';
import { format, inspect } from 'node:util';

import { AccessToken, TokenSource } from '../index.mjs';

const SECRET = 'at-very-secret-indeed';

/** Everything a thing becomes when somebody prints or copies it without thinking. */
const channels = {
  inspect: (thing) => inspect(thing, { showHidden: true, depth: 9, getters: true }),
  format: (thing) => format('%s %o %O %j', thing, thing, thing, thing),
  string: (thing) => String(thing),
  json: (thing) => JSON.stringify({ thing }),
  clone: (thing) => {
    try {
      return inspect(structuredClone(thing), { showHidden: true, depth: 9 });
    } catch (error) {
      return error.message;
    }
  },
  keys: (thing) => Reflect.ownKeys(thing).map((key) => `${String(key)} ${inspect(thing[key])}`).join(),
  spread: (thing) => inspect({ ...thing }),
};

test('each channel would tell a secret that is not kept', () => {
  const leaky = { token: SECRET, toString: () => SECRET };
  for (const [name, channel] of Object.entries(channels)) {
    if (name === 'clone') assert.ok(channel({ token: SECRET }).includes(SECRET), name);
    else assert.ok(channel(leaky).includes(SECRET), name);
  }
});

test('no channel tells the secret of a token or a source', async () => {
  const token = new AccessToken(SECRET, new Date(Date.now() + 60_000));
  const source = TokenSource.static(token);
  assert.equal((await source.getToken()).expose(), SECRET);
  for (const thing of [token, source, await source.getToken(), await source.status()]) {
    for (const [name, channel] of Object.entries(channels)) assert.ok(!channel(thing).includes(SECRET), name);
  }
});
