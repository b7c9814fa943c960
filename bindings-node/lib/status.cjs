'use strict';
// What is known of a credential: plain values, so that it may be sent anywhere.

const { errorOf } = require('./failure.cjs');

const dateOf = (millis) => (millis == null ? null : new Date(millis));

function statusOf(status) {
  return {
    accessToken: status.accessToken ?? null,
    expiresAt: dateOf(status.expiresAt),
    refreshToken: status.refreshToken ?? null,
    scope: status.scope ?? null,
    account: status.account ?? null,
    lastRotation: dateOf(status.lastRotation),
    notBefore: dateOf(status.notBefore),
    dead: status.dead ?? null,
    holder: status.holder ?? null,
    unsaved: status.unsaved,
    unknownOutcome: status.unknownOutcome,
    // An exception that is sent to another process arrives without its members.
    fault: errorOf(status.fault)?.toJSON() ?? null,
  };
}

module.exports = { dateOf, statusOf };
