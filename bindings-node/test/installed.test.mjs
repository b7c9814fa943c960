// What is packed is installed into an empty folder, where nothing of ours can be had from a registry.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';

import { platform } from '../scripts/platforms.mjs';
import { World } from './world.mjs';

const here = fileURLToPath(new URL('..', import.meta.url));
const version = JSON.parse(readFileSync(join(here, 'package.json'), 'utf8')).version;
let folder;

before(() => {
  folder = mkdtempSync(join(tmpdir(), 'tokenward-npm-'));
  const lines = execFileSync('node', ['scripts/pack.mjs'], { cwd: here, encoding: 'utf8' }).trim().split('\n');
  const packed = lines.map((line) => JSON.parse(line)).filter(({ name }) => ['tokenward', platform()].includes(name));
  writeFileSync(join(folder, 'package.json'), '{"private": true, "type": "module"}');
  writeFileSync(join(folder, '.npmrc'), '@tokenward:registry=http://127.0.0.1:9/\nfetch-retries=0\nfund=false\naudit=false\n');
  execFileSync('npm', ['install', '--offline', ...packed.map(({ path }) => path)], { cwd: folder, stdio: 'pipe' });
});

after(() => rmSync(folder, { recursive: true }));

/** Runs a file of the folder, or a command in it, and returns what it printed. */
function run(program, args, env = {}) {
  return execFileSync(program, args, { cwd: folder, env: { PATH: process.env.PATH, ...env }, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
}

test('nothing is installed but the package and its compiled part', () => {
  assert.deepEqual(readdirSync(join(folder, 'node_modules')).filter((name) => !name.startsWith('.')), ['@tokenward']);
  assert.deepEqual(readdirSync(join(folder, 'node_modules', '@tokenward')).sort(), [platform(), 'tokenward'].sort());
});

test('the example of the README works where nothing else is', async (t) => {
  const world = await World.start(t);
  const readme = readFileSync(join(here, '..', 'README.md'), 'utf8');
  writeFileSync(join(folder, 'example.js'), readme.split('```js\n')[1].split('```')[0]);
  const env = { TOKENWARD_STORE: world.store, TOKENWARD_TOKEN_URL: world.ready.token_url, TOKENWARD_CLIENT_ID: world.ready.client_id, API: `${world.ready.url}/api` };

  assert.match(run('node', ['example.js'], env), / 200$/m);

  const token = run(join(folder, 'node_modules', '.bin', 'tokenward'), ['token'], env);
  assert.equal(token.trim(), world.read().access_token);
  assert.equal((await world.stats()).requests, 1);
});

test('npx runs the command', () => {
  assert.equal(run('npx', ['--no-install', 'tokenward', '--version'], { HOME: folder }).trim(), `tokenward ${version}`);
});

test('the compiled part of an Electron application is loaded from beside its archive', () => {
  const archive = join(folder, 'resources', 'app.asar');
  const compiled = join('node_modules', '@tokenward', platform(), 'tokenward.node');
  mkdirSync(archive, { recursive: true });
  cpSync(join(folder, 'node_modules'), join(archive, 'node_modules'), { recursive: true });
  writeFileSync(join(archive, 'main.cjs'), "console.log(require('@tokenward/tokenward').TokenSource.static('access-token-1').fresh().expose());");
  // An archive lists its unpacked files too: the path is found there, and what it leads to is no library.
  const unpacked = join(`${archive}.unpacked`, compiled);
  mkdirSync(dirname(unpacked), { recursive: true });
  renameSync(join(archive, compiled), unpacked);
  writeFileSync(join(archive, compiled), 'inside an archive');

  assert.equal(run('node', [join(archive, 'main.cjs')]).trim(), 'access-token-1');

  renameSync(unpacked, `${unpacked}.away`);
  assert.throws(() => run('node', [join(archive, 'main.cjs')]), /tokenward\.node/);
});
