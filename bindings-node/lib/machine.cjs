'use strict';
// For those who bring their own IO: the machine decides, the host acts.

const { inspect } = require('node:util');
const { checked, errorOf, eventOf, statusOf, texts } = require('./border.cjs');
const { Grant, grantOf } = require('./grant.cjs');
const native = require('./native.cjs');
const { AccessToken, nativeOf } = require('./token.cjs');

const { FileStore, Input, NativeFetch, NativeMachine } = native;

class Machine {
  #native;

  /** `seed` makes the jitter and differs from process to process; `holder` is shown to others. */
  constructor(settings, { seed = Math.floor(Math.random() * Number.MAX_SAFE_INTEGER), holder } = {}) {
    const here = holder ?? { pid: process.pid, host: require('node:os').hostname() };
    this.#native = checked(() => new NativeMachine(texts(settings), seed, here));
  }

  /** Takes one input and says what is to be done. Never blocks, and never reads a clock. */
  step(now, input) {
    const { effects, wakeIn } = this.#native.step(now, inputOf(input));
    return { effects: effects.map(effectOf), wakeIn: wakeIn ?? null };
  }

  /** The token that may be handed out without asking, or null. */
  current() {
    const current = this.#native.current();
    if (!current) return null;
    return { token: new AccessToken(current.token), earlyAt: current.earlyAt ?? null, endsAt: current.endsAt ?? null };
  }

  /** Whether a refresh token is on its way, so that the process should not end. */
  mustStay() {
    return this.#native.mustStay();
  }

  /** What is known of the credential, as of the last read. */
  status() {
    return statusOf(this.#native.status());
  }
}

const INPUTS = {
  want: ({ waiter, minTtl, deadline, explicit }) => Input.want(waiter, minTtl, deadline, explicit),
  adopt: ({ waiter, grant, replace }) => Input.adopt(waiter, grantOf(grant), replace),
  refused: ({ token }) => Input.refused(nativeOf(token)),
  sign_out: ({ waiter }) => Input.signOut(waiter),
  look: ({ waiter }) => Input.look(waiter),
  forget: ({ waiter }) => Input.forget(waiter),
  changed: () => Input.changed(),
  tick: () => Input.tick(),
};

function inputOf(input) {
  if (input instanceof Input) return input;
  if (!Object.hasOwn(INPUTS, input?.kind)) throw new TypeError(`no input of the kind ${input?.kind}`);
  return checked(() => INPUTS[input.kind](input));
}

function effectOf(effect) {
  if (effect instanceof NativeFetch) return new Fetch(effect);
  if (effect.kind === 'emit') return { kind: 'emit', event: eventOf(effect.event) };
  if (effect.kind !== 'deliver') return effect;
  const { kind, waiter, token, error } = effect;
  return { kind, waiter, token: token ? new AccessToken(token) : null, error: errorOf(error) };
}

class Fetch {
  #native;
  kind = 'fetch';

  constructor(fetch) {
    this.#native = fetch;
    this.request = fetch.request();
  }

  /** Sends the request by `fetch`, or one like it, and resolves to the answer. */
  async send(fetch = globalThis.fetch) {
    return this.answer(await require('./send.cjs').send(this.request, fetch));
  }

  /** Brings `{ status, headers, body }`, or says that it was `{ notSent }` or `{ maybeSent }`. */
  answer(outcome) {
    if (outcome.notSent !== undefined) return this.#native.notSent(outcome.notSent, outcome.blocked ?? false, outcome.setting);
    if (outcome.maybeSent !== undefined) return this.#native.maybeSent(outcome.maybeSent);
    return this.#native.respond(...responseOf(outcome));
  }
}

/** Reads one answer of a token endpoint, received at `now`. Never fails: what cannot be understood is an answer too. */
function readAnswer(response, now) {
  const { class: meaning, row, grant, error, retryAfter } = native.readAnswer(...responseOf(response), Number(now));
  return { class: meaning, row, grant: grant ? new Grant(grant) : null, error: errorOf(error), retryAfter: retryAfter ?? null };
}

/** `headers` may be what `fetch` gives, pairs or an object; `body` may be bytes or a text. */
function responseOf({ status, headers = [], body = '' }) {
  const pairs = typeof headers[Symbol.iterator] === 'function' ? [...headers] : Object.entries(headers);
  return [status, pairs, typeof body === 'string' ? Buffer.from(body) : body];
}

// The members of these hold secrets. Whoever prints one sees its name.
for (const Class of [native.Load, native.TryLock, native.Prepare, native.Stage, native.Commit, native.Note, native.Park, native.Unlock,
  native.Write, native.Request, Input, FileStore]) {
  const name = () => `${Class.name} {}`;
  Object.defineProperties(Class.prototype, { [inspect.custom]: { value: name }, toJSON: { value: name } });
}

module.exports = { Machine, FileStore, readAnswer };
