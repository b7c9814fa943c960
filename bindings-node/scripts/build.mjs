// Builds the compiled part and puts it where lib/native.cjs finds it. `--profile dev` for a quick one.
import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { platform } from './platforms.mjs';

const here = join(dirname(fileURLToPath(import.meta.url)), '..');
const profile = process.argv.includes('--profile') ? process.argv[process.argv.indexOf('--profile') + 1] : 'release';
const cargo = (args, options) => {
  const { status, stdout } = spawnSync('cargo', args, { cwd: here, encoding: 'utf8', ...options });
  if (status !== 0) process.exit(status ?? 1);
  return stdout;
};

cargo(['build', '--package', 'tokenward-node', '--profile', profile], { stdio: 'inherit' });
const { target_directory: target } = JSON.parse(cargo(['metadata', '--format-version', '1', '--no-deps']));
const [prefix, suffix] = { linux: ['lib', 'so'], darwin: ['lib', 'dylib'], win32: ['', 'dll'] }[process.platform];
const native = join(here, 'native', `tokenward.${platform()}.node`);

mkdirSync(dirname(native), { recursive: true });
copyFileSync(join(target, profile === 'dev' ? 'debug' : profile, `${prefix}tokenward_node.${suffix}`), native);
// Names are for debuggers. Where there is no `strip` the file is larger and works the same.
if (profile === 'release') spawnSync('strip', [process.platform === 'darwin' ? '-x' : '--strip-all', native]);
console.log(native);
