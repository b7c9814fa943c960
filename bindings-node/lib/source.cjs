'use strict';
// The token source: promises over the driver's waits.

const { EventEmitter } = require('node:events');
const { inspect } = require('node:util');
const { NativeSource, NativeToken, isSame } = require('./native.cjs');
const { AccessToken, nativeOf } = require('./token.cjs');
const { checked, errorOf, eventOf, statusOf, texts } = require('./border.cjs');
const { authorized } = require('./fetch.cjs');
const { Grant, grantOf } = require('./grant.cjs');

/** The time for which a token is handed out again without asking the compiled part, in milliseconds. */
const GLANCE = 20;
/** The longest timer there is: it holds the event loop while somebody waits. */
const LONGEST = 2 ** 31 - 1;

const authorizationOf = (token) => token.authorization();

class TokenSource extends EventEmitter {
  #native;
  #waiting = new Map();
  #hold = null;
  #token = null;
  /** The token as a promise that is kept: to make one for each call costs as much as all the rest. */
  #ready = null;
  #until = 0;
  #listens = false;

  /** @param settings a plain object by the names of the settings table, in snake_case; values are strings, numbers or booleans */
  constructor(settings) {
    super();
    const self = new WeakRef(this);
    // The driver's thread keeps this function: it must not keep the source.
    const knock = (number) => self.deref()?.#turn(number);
    this.#native = checked(() => new NativeSource(settings instanceof NativeToken ? settings : texts(settings), knock));
    this.on('newListener', () => this.#listen());
  }

  /** A source that hands out this token for ever, for tests. */
  static static(token) {
    return new this(nativeOf(typeof token === 'string' ? new AccessToken(token) : token));
  }

  /** Returns a token that works, at once if it can, refreshed by this or another process if it must. Times in milliseconds. */
  getToken(wish) {
    if (wish === undefined && this.fresh() !== null) return this.#ready;
    const { minTtl = 0, deadline, signal } = wish ?? {};
    if (signal?.aborted) return Promise.reject(signal.reason);
    if (minTtl === 0 && this.fresh() !== null) return this.#ready;
    return this.#wait(() => this.#native.begin(minTtl, deadline, false), signal);
  }

  /** Returns the token if it can be had without waiting, else null. */
  fresh() {
    // A clock that jumps back counts as one that went on.
    const now = Date.now();
    if (now < this.#until && now >= this.#until - GLANCE && this.#token !== null) return this.#token;
    const token = this.#native.fresh();
    return (this.#token = token ? this.#keep(token) : null);
  }

  /** Asks the server for a new token even if the old one is fresh. */
  refresh({ deadline, signal } = {}) {
    if (signal?.aborted) return Promise.reject(signal.reason);
    return this.#wait(() => this.#native.begin(0, deadline, true), signal);
  }

  /** The value of an Authorization header. */
  authorization(wish) {
    return this.getToken(wish).then(authorizationOf);
  }

  /** Says that a server refused this token: 401, or invalid_token. */
  reportRefused(token) {
    this.#token = null;
    this.#native.reportRefused(nativeOf(token));
  }

  /** What is known of the credential, without a secret: may be sent to a renderer. */
  async status() {
    return statusOf(await this.#wait(() => this.#native.status()));
  }

  /** Reads the store now. */
  async look() {
    await this.#wait(() => this.#native.look());
    this.#until = 0;
  }

  /** Stores a login. With `replace` it may be older, another account's, or one that cannot be refreshed. */
  save(grant, { replace = false } = {}) {
    const login = grantOf(grant instanceof Grant ? grant : { issuedAt: new Date(), ...grant });
    this.#token = null;
    return this.#wait(() => this.#native.save(login, replace));
  }

  /** Removes the credential from the store. The server is not told. */
  clear() {
    this.#token = null;
    return this.#wait(() => this.#native.clear());
  }

  /** Closes the source: every call fails from then on. Waits while a refresh token is on its way. */
  close() {
    this.#token = null;
    return this.#wait(() => this.#native.close());
  }

  [Symbol.asyncDispose ?? Symbol.for('nodejs.asyncDispose')]() {
    return this.close();
  }

  /** `fetch` with this token: on 401 once more with a newer one, if the request can be repeated. */
  fetch = (input, init) => authorized(this, globalThis.fetch, input, init);

  /** The same over a `fetch` of yours. */
  fetchWith(fetch) {
    return (input, init) => authorized(this, fetch, input, init);
  }

  toJSON() {
    return 'TokenSource';
  }

  [inspect.custom]() {
    return 'TokenSource {}';
  }

  #wait(begin, signal) {
    return new Promise((resolve, reject) => {
      const number = checked(begin);
      const onAbort = () => {
        // The refresh goes on.
        this.#native.forget(number);
        this.#settle(number);
        reject(signal.reason);
      };
      signal?.addEventListener('abort', onAbort, { once: true });
      this.#waiting.set(number, { resolve, reject, done: () => signal?.removeEventListener('abort', onAbort) });
      this.#hold ??= setInterval(() => {}, LONGEST);
      this.#turn(number);
    });
  }

  #turn(number) {
    const wait = this.#waiting.get(number);
    const outcome = wait ? this.#native.poll(number) : null;
    if (outcome === null) return;
    this.#settle(number);
    if (outcome instanceof NativeToken) wait.resolve(this.#keep(outcome));
    else if (outcome === true) wait.resolve();
    else if (outcome.kind) wait.reject(errorOf(outcome));
    else wait.resolve(outcome);
  }

  #settle(number) {
    this.#waiting.get(number)?.done();
    this.#waiting.delete(number);
    if (this.#waiting.size === 0) {
      clearInterval(this.#hold);
      this.#hold = null;
    }
  }

  /** Keeps one object for each token, not one for each call. */
  #keep(token) {
    this.#until = Date.now() + GLANCE;
    if (this.#token === null || !isSame(nativeOf(this.#token), token)) {
      this.#token = new AccessToken(token);
      this.#ready = Promise.resolve(this.#token);
    }
    return this.#token;
  }

  #listen() {
    if (this.#listens) return;
    this.#listens = true;
    const self = new WeakRef(this);
    this.#native.subscribe((news) => self.deref()?.#tell(news));
  }

  #tell(news) {
    const event = eventOf(news);
    this.emit('news', event);
    this.emit(event.kind.replace(/_(.)/g, (_, letter) => letter.toUpperCase()), event.error ?? null, event);
  }
}

module.exports = { TokenSource };
