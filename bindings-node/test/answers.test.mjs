// Every vector of `tests/vectors/answers` through the public types. Its README describes the format.
import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import { test } from 'node:test';
import { inspect } from 'node:util';

import { readAnswer } from '../index.mjs';

const FOLDER = new URL('../../tests/vectors/answers/', import.meta.url);
const read = (file) => JSON.parse(readFileSync(new URL(file, FOLDER), 'utf8'));
const INDEX = read('index.json');

/** 2026-01-01T00:00:00Z: when every answer is received. */
const RECEIVED = new Date(1_767_225_600_000);

const ran = {};

for (const file of Object.keys(INDEX.files)) {
  test(file, () => {
    ran[file] = 0;
    for (const vector of read(file).vectors) {
      known(vector, 'name', 'why', 'catches', 'input', 'expected');

      const answered = readAnswer(response(vector.input), RECEIVED);

      assert.deepEqual(show(answered), vector.expected, vector.name);
      assert.ok(!inspect(answered, { depth: 9, showHidden: true, getters: true }).includes('token-'), vector.name);
      ran[file] += 1;
    }
  });
}

test('as many answers are read as the index lists', () => {
  const found = readdirSync(FOLDER).filter((name) => name.endsWith('.json') && !['index.json', 'schema.json'].includes(name));

  assert.deepEqual(found.sort(), Object.keys(INDEX.files).sort());
  assert.deepEqual(ran, INDEX.files);
  assert.equal(Object.values(ran).reduce((sum, count) => sum + count, 0), INDEX.count);
});

/** Reads what a server answered. */
function response(input) {
  known(input, 'status', 'headers', 'body', 'body_b64', 'pad');
  const { status, headers, body = '', body_b64: encoded = '', pad = 0 } = input;
  return { status, headers, body: Buffer.concat([Buffer.from(body), Buffer.from(encoded, 'base64'), Buffer.alloc(pad, ' ')]) };
}

/** Returns what an answer means in the words of a vector. */
function show({ class: meaning, row, grant, error, retryAfter }) {
  return given({
    class: meaning,
    row,
    retry_after_ms: retryAfter,
    error: error && given({ kind: error.code, act: error.act, code: error.reason, message: error.message, retry_in_ms: error.retryIn }),
    grant: grant && given({
      access_token: grant.accessToken?.expose(),
      expires_in_ms: grant.accessToken?.expiresAt && grant.accessToken.expiresAt - RECEIVED,
      refresh_token: grant.exposeRefreshToken(),
      scope: grant.scope,
      account: grant.account,
    }),
  });
}

/** Returns the members that are there. */
const given = (members) => Object.fromEntries(Object.entries(members).filter(([, value]) => value != null));

/** An unknown member is an error. */
function known(members, ...names) {
  assert.deepEqual(Object.keys(members).filter((name) => !names.includes(name)), [], 'unknown members');
}
