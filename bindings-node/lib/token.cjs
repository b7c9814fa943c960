'use strict';
// An access token as an object: it prints its name, and gives its text only to `expose`.

const { inspect } = require('node:util');
const { NativeToken } = require('./native.cjs');

class AccessToken {
  #native;
  // Asked for once: a string that crosses the border is copied.
  #text;
  #header;

  /** Takes a text and when it ends: a Date, or nothing if that is unknown. */
  constructor(text, expiresAt) {
    this.#native = text instanceof NativeToken ? text : new NativeToken(text, expiresAt?.getTime());
  }

  expose() {
    return (this.#text ??= this.#native.expose());
  }

  /** The value of an Authorization header. */
  authorization() {
    return (this.#header ??= this.#native.authorization());
  }

  get expiresAt() {
    const millis = this.#native.expiresAt();
    return millis == null ? null : new Date(millis);
  }

  get fingerprint() {
    return this.#native.fingerprint();
  }

  toString() {
    return `AccessToken(${this.fingerprint})`;
  }

  /** JSON gets the name, never the text. */
  toJSON() {
    return this.toString();
  }

  [inspect.custom]() {
    return this.toString();
  }

  static native(token) {
    return token.#native;
  }
}

/** Returns what the compiled part knows a token by. */
const nativeOf = AccessToken.native;
delete AccessToken.native;

module.exports = { AccessToken, nativeOf };
