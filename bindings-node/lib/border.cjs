'use strict';
// What crosses the border to the compiled part, and how it looks on this side.

const errors = require('./errors.cjs');

const byKind = {
  signed_out: errors.SignedOutError,
  reauth_required: errors.ReauthRequiredError,
  misconfigured: errors.MisconfiguredError,
  unavailable: errors.UnavailableError,
  blocked: errors.BlockedError,
  store_busy: errors.StoreBusyError,
  store_unreadable: errors.StoreUnreadableError,
  store_unwritable: errors.StoreUnwritableError,
  downgrade: errors.DowngradeError,
  account_mismatch: errors.AccountMismatchError,
};

/** Returns the exception for a failure that the compiled part reports; null for none. */
const errorOf = (failure) => (failure ? new (byKind[failure.kind] ?? errors.TokenError)(failure) : null);

/** Returns an event with its exception. */
const eventOf = ({ error, ...event }) => (error ? { ...event, error: errorOf(error) } : event);

const dateOf = (millis) => (millis == null ? null : new Date(millis));

/** Returns what is known of a credential in plain values: it may be sent anywhere. */
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

/** Returns settings as texts, as a file or a variable would give them. */
function texts(settings) {
  if (settings === null || typeof settings !== 'object') throw new TypeError('settings: not an object');
  const set = Object.entries(settings).filter(([, value]) => value !== undefined);
  return Object.fromEntries(set.map(([name, value]) => [name, String(value)]));
}

/** What the compiled part refuses to take is a TypeError, as in JavaScript itself. */
function checked(call) {
  try {
    return call();
  } catch (error) {
    throw new TypeError(error.message);
  }
}

module.exports = { byKind, checked, dateOf, errorOf, eventOf, statusOf, texts };
