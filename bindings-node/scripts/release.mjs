// Builds and packs the compiled part for every platform that is released, on one Linux machine:
//
//     PATH=$(../tools/cross/setup x86_64-unknown-linux-gnu aarch64-unknown-linux-gnu aarch64-apple-darwin):$PATH \
//       node scripts/release.mjs
//
// A toolchain without one of the targets builds its standard library with `--build-std` (that wants rust-src, and
// RUSTC_BOOTSTRAP=1 on a stable toolchain). `release.mjs PLATFORM…` builds only those named.
import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { PLATFORMS } from './platforms.mjs';

const here = join(dirname(fileURLToPath(import.meta.url)), '..');
const named = process.argv.slice(2).filter((word) => !word.startsWith('--'));
const std = process.argv.includes('--build-std') ? ['-Zbuild-std=std,panic_unwind'] : [];
const stubs = mkdtempSync(join(tmpdir(), 'tokenward-stubs-'));

function run(program, args, options) {
  const { status, stdout, error } = spawnSync(program, args, { cwd: here, encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'], ...options });
  if (error) throw error;
  if (status !== 0) throw new Error(`${program} ${args.join(' ')}: exit code ${status}`);
  return stdout;
}

/**
 * The frameworks of macOS by name alone: enough to link against, nothing of Apple's is copied. Their symbols are looked
 * up when the library is loaded, as Node's own are.
 */
function frameworks() {
  for (const name of ['CoreFoundation', 'Security', 'SystemConfiguration']) {
    const folder = join(stubs, `${name}.framework`);
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, `${name}.tbd`), `--- !tapi-tbd
tbd-version: 4
targets: [ arm64-macos, x86_64-macos ]
install-name: '/System/Library/Frameworks/${name}.framework/Versions/A/${name}'
current-version: 1
exports:
  - targets: [ arm64-macos, x86_64-macos ]
    symbols: [ '_stub_of_${name}' ]
...
`);
  }
  return [`-Clink-arg=-F${stubs}`, '-Clink-arg=-Wl,-install_name,@rpath/tokenward.node'];
}

try {
  const { target_directory: output } = JSON.parse(run('cargo', ['metadata', '--format-version', '1', '--no-deps']));
  mkdirSync(join(here, 'native'), { recursive: true });
  for (const name of named.length ? named : Object.keys(PLATFORMS)) {
    const { target, glibc } = PLATFORMS[name];
    const isMac = target.endsWith('darwin');
    const goal = glibc ? `${target}.${glibc}` : target;
    const flags = isMac ? frameworks() : [];
    const args = ['rustc', '--package', 'tokenward-node', '--profile', 'dist', '--target', goal, ...std, '--', '-Cstrip=symbols', ...flags];
    run('cargo-zigbuild', args, { stdio: 'inherit', env: { MACOSX_DEPLOYMENT_TARGET: '11.0', ...process.env } });
    const built = join(output, target, 'dist', isMac ? 'libtokenward_node.dylib' : 'libtokenward_node.so');
    copyFileSync(built, join(here, 'native', `tokenward.${name}.node`));
  }
  run(process.execPath, ['scripts/pack.mjs'], { stdio: 'inherit' });
} finally {
  rmSync(stubs, { recursive: true });
}
