// Packs what is published, into `dist`: the package everybody installs, and one with the compiled part of this platform.
// Prints both files. Run `node scripts/build.mjs` first.
import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { platform } from './platform.mjs';

/** The packages that npm chooses from: no install script. */
const PLATFORMS = {
  'linux-x64-gnu': { os: ['linux'], cpu: ['x64'], libc: ['glibc'] },
  'linux-arm64-gnu': { os: ['linux'], cpu: ['arm64'], libc: ['glibc'] },
  'darwin-arm64': { os: ['darwin'], cpu: ['arm64'] },
};

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
  console.log(JSON.stringify({ path, size, unpackedSize }));
}

const built = platform();
const native = join(here, 'native', `tokenward.${built}.node`);
if (!existsSync(native)) throw new Error(`${native} is missing: run \`node scripts/build.mjs\``);
if (!PLATFORMS[built]) throw new Error(`no package is planned for ${built}`);

rmSync(dist, { recursive: true, force: true });
const licences = ['LICENSE-MIT', 'LICENSE-APACHE'].map((name) => [join(here, '..', name), name]);
const optionalDependencies = Object.fromEntries(Object.keys(PLATFORMS).map((name) => [`@tokenward/${name}`, version]));
pack('tokenward', { ...package_, optionalDependencies }, [
  ...package_.files.map((name) => [join(here, name), name]),
  [join(here, '..', 'README.md'), 'README.md'],
  ...licences,
]);
const description = `The compiled part of @tokenward/tokenward for ${built}`;
pack(
  built,
  { name: `@tokenward/${built}`, version, description, license, repository, ...PLATFORMS[built], files: ['tokenward.node'], main: 'tokenward.node' },
  [[native, 'tokenward.node'], ...licences],
);
