#!/usr/bin/env node
'use strict';
// The command is the library's: no second binary.

const { run } = require('../lib/native.cjs');

process.exit(run('tokenward', process.argv.slice(2)));
