'use strict';
// Settings cross the border as texts, as a file or a variable would give them.

function texts(settings) {
  if (settings === null || typeof settings !== 'object') throw new TypeError('settings: not an object');
  const set = Object.entries(settings).filter(([, value]) => value !== undefined);
  return Object.fromEntries(set.map(([name, value]) => [name, String(value)]));
}

module.exports = { texts };
