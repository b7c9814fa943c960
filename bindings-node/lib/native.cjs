'use strict';
// Finds the compiled part: TOKENWARD_NATIVE, a build beside this file, or the platform's own package. No install script.

const { existsSync } = require('node:fs');
const { join } = require('node:path');
const { platform } = require('./platform.cjs');

/** In Electron a file of an archive cannot be loaded: its twin beside the archive can (`asarUnpack`). */
function loadable(path) {
  const twin = path.replace(/\.asar(?=[/\\])/, '.asar.unpacked');
  return twin !== path && existsSync(twin) ? twin : path;
}

function find() {
  if (process.env.TOKENWARD_NATIVE) return process.env.TOKENWARD_NATIVE;
  const name = platform();
  const local = loadable(join(__dirname, '..', 'native', `tokenward.${name}.node`));
  if (existsSync(local)) return local;
  try {
    return loadable(require.resolve(`@tokenward/${name}/tokenward.node`));
  } catch (cause) {
    throw new Error(`tokenward has no compiled part for ${name}: install @tokenward/${name}`, { cause });
  }
}

module.exports = require(find());
