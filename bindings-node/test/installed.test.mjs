// What is packed is installed into an empty folder, where nothing of ours can be had from a registry.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

import { World } from './world.mjs';

const here = fileURLToPath(new URL('..', import.meta.url));

test('the packed packages work where nothing else is, and so does the example of the README', async (t) => {
  const world = await World.start(t);
  const folder = mkdtempSync(join(tmpdir(), 'tokenward-npm-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const lines = execFileSync('node', ['scripts/pack.mjs'], { cwd: here, encoding: 'utf8' }).trim().split('\n');
  const packed = lines.map((line) => JSON.parse(line));
  writeFileSync(join(folder, 'package.json'), '{"private": true, "type": "module"}');
  writeFileSync(join(folder, '.npmrc'), '@tokenward:registry=http://127.0.0.1:9/\nfetch-retries=0\nfund=false\naudit=false\n');

  execFileSync('npm', ['install', '--offline', ...packed.map(({ path }) => path)], { cwd: folder, stdio: 'pipe' });

  assert.deepEqual(readdirSync(join(folder, 'node_modules')).filter((name) => !name.startsWith('.')), ['@tokenward']);
  const readme = readFileSync(join(here, '..', 'README.md'), 'utf8');
  const example = readme.split('```js\n')[1].split('```')[0];
  writeFileSync(join(folder, 'example.js'), example);
  const env = { PATH: process.env.PATH, TOKENWARD_STORE: world.store, TOKENWARD_TOKEN_URL: world.ready.token_url, TOKENWARD_CLIENT_ID: world.ready.client_id, API: `${world.ready.url}/api` };
  assert.match(execFileSync('node', ['example.js'], { cwd: folder, env, encoding: 'utf8' }), / 200$/m);
  const token = execFileSync(join(folder, 'node_modules', '.bin', 'tokenward'), ['token'], { env, encoding: 'utf8' });
  assert.equal(token.trim(), world.read().access_token);
  assert.equal((await world.stats()).requests, 1);
});
