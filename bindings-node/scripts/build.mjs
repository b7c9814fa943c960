// Builds the compiled part and puts it where lib/native.cjs finds it. `--profile dev` for a quick one.
import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { platform } from './platforms.mjs';

const here = join(dirname(fileURLToPath(import.meta.url)), '..');
const profile = process.argv.includes('--profile') ? process.argv[process.argv.indexOf('--profile') + 1] : 'dist';
const cargo = (args, options) => {
  const { status, stdout } = spawnSync('cargo', args, { cwd: here, encoding: 'utf8', ...options });
  if (status !== 0) process.exit(status ?? 1);
  return stdout;
};

// Names are for debuggers, and half a megabyte of what people download.
const strip = profile === 'dist' ? ['--', '-Cstrip=symbols'] : [];
cargo(['rustc', '--package', 'tokenward-node', '--profile', profile, ...strip], { stdio: 'inherit' });
const { target_directory: target } = JSON.parse(cargo(['metadata', '--format-version', '1', '--no-deps']));
const [prefix, suffix] = { linux: ['lib', 'so'], darwin: ['lib', 'dylib'], win32: ['', 'dll'] }[process.platform];
const native = join(here, 'native', `tokenward.${platform()}.node`);

mkdirSync(dirname(native), { recursive: true });
copyFileSync(join(target, profile === 'dev' ? 'debug' : profile, `${prefix}tokenward_node.${suffix}`), native);
console.log(native);
