'use strict';
// Which class an error of the compiled part becomes.

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

/** What the compiled part refuses to take is a TypeError, as in JavaScript itself. */
function checked(call) {
  try {
    return call();
  } catch (error) {
    throw new TypeError(error.message);
  }
}

module.exports = { byKind, errorOf, checked };
