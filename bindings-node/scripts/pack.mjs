// Packs what is published, into `dist`: the package everybody installs, and one for each compiled part in `native`. Prints
// the files. Run `node scripts/build.mjs` first, or `node scripts/release.mjs`, which comes here by itself.
import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { PLATFORMS, platform } from './platforms.mjs';

const here = join(dirname(fileURLToPath(import.meta.url)), '..');
const dist = join(here, 'dist');
const { private: _, devDependencies: __, scripts: ___, ...package_ } = JSON.parse(readFileSync(join(here, 'package.json'), 'utf8'));
const { version, license, repository } = package_;

function pack(name, content, files) {
  const folder = join(dist, name);
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'package.json'), `${JSON.stringify(content, null, 2)}\n`);
  for (const [from, to] of files) cpSync(from, join(folder, to), { recursive: true });
  const [{ filename, size, unpackedSize }] = JSON.parse(
    execFileSync('npm', ['pack', '--json', '--pack-destination', dist], { cwd: folder, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }),
  );
  const path = join(dist, filename);
  console.log(JSON.stringify({ name, path, size, unpackedSize }));
}

const native = (name) => join(here, 'native', `tokenward.${name}.node`);
const built = Object.keys(PLATFORMS).filter((name) => existsSync(native(name)));
if (!built.includes(platform())) throw new Error(`${native(platform())} is missing: run \`node scripts/build.mjs\``);

rmSync(dist, { recursive: true, force: true });
const licences = ['LICENSE-MIT', 'LICENSE-APACHE'].map((name) => [join(here, '..', name), name]);
const optionalDependencies = Object.fromEntries(Object.keys(PLATFORMS).map((name) => [`@tokenward/${name}`, version]));
pack('tokenward', { ...package_, optionalDependencies }, [
  ...package_.files.map((name) => [join(here, name), name]),
  [join(here, 'README.md'), 'README.md'],
  ...licences,
]);
for (const name of built) {
  const description = `The compiled part of @tokenward/tokenward for ${name}`;
  const content = { name: `@tokenward/${name}`, version, description, license, repository, ...PLATFORMS[name].npm, files: ['tokenward.node'], main: 'tokenward.node' };
  pack(name, content, [[native(name), 'tokenward.node'], ...licences]);
}
