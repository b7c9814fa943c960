'use strict';
// Finds the compiled part: TOKENWARD_NATIVE, a build beside this file, or the platform's own package. No install script.
// In Electron the path of an ASAR archive is replaced by that of its unpacked twin: only real files can be loaded.

const { existsSync } = require('node:fs');
const { join, sep } = require('node:path');
const { platform } = require('./platform.cjs');

const unpacked = (path) => path.replace(`app.asar${sep}`, `app.asar.unpacked${sep}`);

function find() {
  if (process.env.TOKENWARD_NATIVE) return process.env.TOKENWARD_NATIVE;
  const name = platform();
  const local = unpacked(join(__dirname, '..', 'native', `tokenward.${name}.node`));
  if (existsSync(local)) return local;
  try {
    return unpacked(require.resolve(`@tokenward/${name}/tokenward.node`));
  } catch (cause) {
    throw new Error(`tokenward has no compiled part for ${name}: install @tokenward/${name}`, { cause });
  }
}

module.exports = require(find());
