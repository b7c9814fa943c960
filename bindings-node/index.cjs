'use strict';

const { Grant } = require('./lib/grant.cjs');
const { FileStore, Machine, readAnswer } = require('./lib/machine.cjs');
const { TokenSource } = require('./lib/source.cjs');
const { AccessToken } = require('./lib/token.cjs');

// `import` reads these names, and those of the errors, without running the file.
module.exports = { TokenSource, AccessToken, Grant, Machine, FileStore, readAnswer, ...require('./lib/errors.cjs') };
