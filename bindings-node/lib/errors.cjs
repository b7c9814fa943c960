'use strict';
// One class per kind of error, named as in every language. `code` is the kind, as Node's own errors have it.

class TokenError extends Error {
  constructor(failure) {
    super(failure.message);
    this.name = new.target.name;
    this.code = failure.kind;
    this.act = failure.act;
    this.reason = failure.code ?? null;
    this.retryIn = failure.retryInMs ?? null;
    this.holder = failure.holder ?? null;
  }

  /** All of it as plain values, for a log or another process. */
  toJSON() {
    const { name, message, code, act, reason, retryIn, holder } = this;
    return { name, message, code, act, reason, retryIn, holder };
  }
}

class SignedOutError extends TokenError {}
class ReauthRequiredError extends TokenError {}
class MisconfiguredError extends TokenError {}
class UnavailableError extends TokenError {}
class BlockedError extends TokenError {}
class StoreBusyError extends TokenError {}
class StoreUnreadableError extends TokenError {}
class StoreUnwritableError extends TokenError {}
class DowngradeError extends TokenError {}
class AccountMismatchError extends TokenError {}

// One name in each line, and nothing else: `import` reads this list without running it.
module.exports = {
  TokenError,
  SignedOutError,
  ReauthRequiredError,
  MisconfiguredError,
  UnavailableError,
  BlockedError,
  StoreBusyError,
  StoreUnreadableError,
  StoreUnwritableError,
  DowngradeError,
  AccountMismatchError,
};
