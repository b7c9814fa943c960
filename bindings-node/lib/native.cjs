'use strict';
// Loads the compiled part: TOKENWARD_NATIVE, a build beside this file, or the platform's own package. No install script.

const { existsSync } = require('node:fs');
const { join } = require('node:path');

function load() {
  if (process.env.TOKENWARD_NATIVE) return require(process.env.TOKENWARD_NATIVE);
  const failures = [];
  for (const name of candidates()) {
    try {
      const local = loadable(join(__dirname, '..', 'native', `tokenward.${name}.node`));
      return require(existsSync(local) ? local : loadable(require.resolve(`@tokenward/${name}/tokenward.node`)));
    } catch (error) {
      failures.push(error);
    }
  }
  const names = candidates().map((name) => `@tokenward/${name}`);
  throw new AggregateError(failures, `tokenward has no compiled part that works here: install ${names.join(' or ')}`);
}

/** The parts that may work here, the likeliest first. To find out which C library this is takes milliseconds. */
function candidates() {
  const name = `${process.platform}-${process.arch}`;
  return process.platform === 'linux' ? [`${name}-gnu`, `${name}-musl`] : [name];
}

/** In Electron a file of an archive cannot be loaded: its twin beside the archive can (`asarUnpack`). */
function loadable(path) {
  const twin = path.replace(/\.asar(?=[/\\])/, '.asar.unpacked');
  return twin !== path && existsSync(twin) ? twin : path;
}

module.exports = load();
