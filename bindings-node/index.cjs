'use strict';

const errors = require('./lib/errors.cjs');
const { AccessToken } = require('./lib/token.cjs');
const { TokenSource } = require('./lib/source.cjs');

const { byKind, errorOf, ...classes } = errors;
module.exports = { TokenSource, AccessToken, ...classes };
