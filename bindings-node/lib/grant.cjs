'use strict';
// A credential as an object: it prints its name, and gives its refresh token only when asked.

const { inspect } = require('node:util');
const { checked, dateOf } = require('./border.cjs');
const { NativeGrant } = require('./native.cjs');
const { AccessToken } = require('./token.cjs');

class Grant {
  #native;

  /** @param members accessToken, refreshToken, scope, account, and the Dates expiresAt, refreshTokenExpiresAt, issuedAt */
  constructor(members = {}) {
    this.#native = members instanceof NativeGrant ? members : checked(() => new NativeGrant(numbers(members)));
  }

  get accessToken() {
    const token = this.#native.accessToken();
    return token ? new AccessToken(token) : null;
  }

  /** The refresh token's text. Once it is a string, nobody can wipe it. */
  exposeRefreshToken() {
    return this.#native.exposeRefreshToken() ?? null;
  }

  get refreshTokenExpiresAt() {
    return dateOf(this.#native.refreshTokenExpiresAt());
  }

  get scope() {
    return this.#native.scope() ?? null;
  }

  get issuedAt() {
    return dateOf(this.#native.issuedAt());
  }

  get account() {
    return this.#native.account() ?? null;
  }

  toString() {
    return `Grant(${this.#native.fingerprint()})`;
  }

  /** JSON gets the name, never the texts. */
  toJSON() {
    return this.toString();
  }

  [inspect.custom]() {
    return this.toString();
  }

  static native(grant) {
    return (grant instanceof Grant ? grant : new Grant(grant)).#native;
  }
}

/** Returns what the compiled part knows a grant by. */
const nativeOf = Grant.native;
delete Grant.native;

function numbers({ accessToken, expiresAt, refreshToken, refreshTokenExpiresAt, scope, issuedAt, account }) {
  const isToken = accessToken instanceof AccessToken;
  const ends = expiresAt ?? (isToken ? accessToken.expiresAt : undefined);
  const members = {
    accessToken: isToken ? accessToken.expose() : accessToken,
    expiresAt: ends?.getTime(),
    refreshToken,
    refreshTokenExpiresAt: refreshTokenExpiresAt?.getTime(),
    scope,
    issuedAt: issuedAt?.getTime(),
    account,
  };
  // To the compiled part null is a value of the wrong type.
  return Object.fromEntries(Object.entries(members).filter(([, value]) => value != null));
}

module.exports = { Grant, grantOf: nativeOf };
