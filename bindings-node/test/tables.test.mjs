// The tables of the core, and what is written for people: they drift apart unless somebody looks.
import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { test } from 'node:test';

import * as tokenward from '../index.mjs';

const require = createRequire(import.meta.url);
const native = require('../lib/native.cjs');
const { byKind } = require('../lib/border.cjs');
const declared = readFileSync(new URL('../index.d.cts', import.meta.url), 'utf8');

test('each kind of error has a class of its own, and no class is left over', () => {
  assert.deepEqual(Object.keys(byKind), native.errorKinds());
  assert.equal(new Set(Object.values(byKind)).size, native.errorKinds().length);
  const classes = Object.keys(tokenward).filter((name) => name.endsWith('Error') && name !== 'TokenError');
  assert.deepEqual(classes.sort(), Object.values(byKind).map((kind) => kind.name).sort());
});

test('the declarations name every setting, kind, event and reason, and no other', () => {
  const members = (name) => [...declared.split(`interface ${name} {`)[1].split('}')[0].matchAll(/^ {2}(\w+)\??:/gm)].map(([, member]) => member);
  const words = (name) => [...declared.split(`type ${name} =`)[1].split(';')[0].matchAll(/'(\w+)'/g)].map(([, word]) => word);

  assert.deepEqual(members('Settings').sort(), native.settingNames().sort());
  assert.deepEqual(words('ErrorKind'), native.errorKinds());
  assert.deepEqual(words('ReauthReason'), native.reauthReasons());
  const events = readFileSync(new URL('../../docs/diagnostics.md', import.meta.url), 'utf8').matchAll(/^\| `(\w+)` \| (?:error|warn|info|debug)/gm);
  // The last one is for tests of the machine, and not for a log.
  assert.deepEqual(words('EventKind'), [...[...events].map(([, kind]) => kind), 'transition']);
  const kinds = declared.split('interface StoreFault {')[1].split(';')[0];
  assert.deepEqual([...kinds.matchAll(/'(\w+)'/g)].map(([, kind]) => kind), native.faultKinds());
});

test('both module systems export the same', () => {
  // Node 23 and later name the whole twice.
  const { default: whole, 'module.exports': _, ...named } = tokenward;
  assert.deepEqual(Object.keys(named).sort(), Object.keys(require('../index.cjs')).sort());
  assert.equal(named.TokenSource, whole.TokenSource);
});

test('no buffer over memory of ours is handed out: Electron forbids it', () => {
  const handed = /\b(?:Buffer|BufferSlice|Uint8Array|Uint8ArraySlice|ArrayBuffer|External)::(?!copy_from)\w+|-> [^{]*\bVec<u8>/;
  assert.match('Buffer::from(bytes)', handed);
  assert.match('pub fn data(&self) -> napi::Result<Vec<u8>> {', handed);
  const sources = new URL('../src/', import.meta.url);
  for (const name of readdirSync(sources)) assert.doesNotMatch(readFileSync(new URL(name, sources), 'utf8'), handed, name);
});
