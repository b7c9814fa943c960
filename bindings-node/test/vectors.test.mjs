// Every vector of `tests/vectors` through the public types. Its README describes the format.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFileSync, readdirSync } from 'node:fs';
import { test } from 'node:test';
import { isDeepStrictEqual } from 'node:util';

import { AccessToken, Grant, Machine } from '../index.mjs';

const FOLDER = new URL('../../tests/vectors/', import.meta.url);
const read = (file) => JSON.parse(readFileSync(new URL(file, FOLDER), 'utf8'));
const INDEX = read('index.json').vectors;

/** 2026-01-01T00:00:00Z: where every vector begins. */
const START = 1_767_225_600_000;
const TOKENS = ['access-token', 'refresh-token'].flatMap((kind) => Array.from({ length: 10 }, (_, number) => `${kind}-${number}`));
const NAMES = new Map(TOKENS.map((token) => [new AccessToken(token).fingerprint, token]));

const ran = [];

for (const { file } of INDEX) {
  test(file, () => {
    const vector = read(file);
    for (const ticked of [false, true]) new Runner(vector, ticked).run();
    ran.push(file);
  });
}

test('as many vectors ran as the index lists', () => {
  const found = readdirSync(FOLDER).filter((name) => name.endsWith('.json') && !['index.json', 'schema.json'].includes(name));

  assert.deepEqual([...ran].sort(), found.sort());
  assert.equal(ran.length, INDEX.length);
  assert.ok(INDEX.length > 100);
});

/** A store, a journal, parked grants and one lock. */
class Disk {
  store = null;
  journal = null;
  parked = new Map();
  parkedEver = 0;
  setAside = 0;
  lock = null;

  edit(edit) {
    known(edit, 'store', 'journal', 'parked', 'lock');
    if ('store' in edit) this.store = edit.store === null ? null : Buffer.from(text(edit.store));
    if (edit.journal === null) this.journal = null;
    for (const write of edit.journal ?? []) {
      known(write, 'offset', 'text', 'hex');
      this.#splice(write.offset, 'text' in write ? Buffer.from(write.text) : Buffer.from(write.hex, 'hex'));
    }
    if ('parked' in edit) this.parked = new Map(Object.keys(edit.parked).sort().map((name) => [name, Buffer.from(edit.parked[name])]));
    if ('lock' in edit) this.lock = { held: 'a process outside the vector', free: null }[edit.lock];
  }

  #grow(length) {
    const journal = this.journal ?? Buffer.alloc(0);
    this.journal = Buffer.concat([journal, Buffer.alloc(Math.max(0, length - journal.length))]);
  }

  #splice(offset, data) {
    this.#grow(offset + data.length);
    data.copy(this.journal, offset);
  }

  #write(journal) {
    if (journal.setAside) {
      this.journal = null;
      this.setAside += 1;
    }
    this.#grow(journal.reserve);
    for (const write of journal.writes) this.#splice(write.offset, write.data());
  }

  perform(op, machine) {
    this.#checkLock(op, machine);
    switch (op.kind) {
      case 'load':
        return this.#load(op);
      case 'try_lock':
        if (this.lock !== null) return op.answer('busy');
        this.lock = machine;
        return op.answer();
      case 'prepare':
        this.#write(op.journal);
        return op.answer();
      case 'stage':
        this.#splice(op.frame.offset, op.frame.data());
        this.#splice(op.mark.offset, op.mark.data());
        return op.answer();
      case 'commit': {
        const base = this.store && createHash('sha256').update(this.store).digest().subarray(0, 16);
        if (!isDeepStrictEqual(op.base, base)) return op.answer('moved');
        this.store = op.data();
        return op.answer();
      }
      case 'note':
        this.#write(op.journal);
        for (const name of op.unpark) this.parked.delete(name);
        return op.answer();
      case 'park': {
        this.parkedEver += 1;
        const name = `parked-${this.parkedEver}`;
        this.parked.set(name, op.data());
        return op.answer(name);
      }
      case 'unlock':
        this.lock = null;
        return op.answer();
      default:
        return assert.fail(`unknown operation ${op.kind}`);
    }
  }

  /** Answers an effect as a vector says. */
  answer(op, kind, reply, machine) {
    known(reply, 'performed', 'fault', 'journal', 'store', 'busy', 'moved');
    assert.equal(kind, op.kind, 'another effect is open');
    if (reply.performed && !('fault' in reply)) return this.perform(op, machine);
    if (reply.performed) {
      assert.ok(['prepare', 'note'].includes(op.kind), 'only a prepare or a note can be half done');
      this.#write(op.journal);
    }
    const fault = (kind) => ({ kind: kind ?? assert.fail('no fault'), detail: kind });
    switch (op.kind) {
      case 'load':
        return this.#load(op, { journal: reply.journal && fault(reply.journal), store: reply.store && fault(reply.store) });
      case 'try_lock':
        return op.answer(reply.busy ? 'busy' : fault(reply.fault));
      case 'commit':
        return op.answer(reply.moved ? 'moved' : fault(reply.fault));
      case 'prepare':
      case 'stage':
      case 'note':
      case 'park':
        return op.answer(fault(reply.fault));
      default:
        return assert.fail(`${op.kind} cannot fail`);
    }
  }

  #load(op, faults = {}) {
    const journal = this.journal ?? Buffer.alloc(0);
    return op.answer({
      journal: faults.journal ?? op.journal.map(([start, end]) => journal.subarray(start, end)),
      store: faults.store ?? (op.store ? this.store : null),
      parked: op.parked ? [...this.parked].map(([name, data]) => ({ name, data })) : [],
    });
  }

  #checkLock(op, machine) {
    const isOurs = this.lock === machine;
    if (['prepare', 'stage', 'commit', 'note', 'unlock'].includes(op.kind)) assert.ok(isOurs, `${op.kind} without the lock`);
    if (['try_lock', 'park'].includes(op.kind)) assert.ok(!isOurs, `${op.kind} with the lock`);
  }

  check(after) {
    known(after, 'store', 'parked', 'lock', 'set_aside', 'tokens_in_journal');
    const { store, ...others } = after;
    if (store !== undefined) {
      const found = this.store && this.store.toString();
      assert.ok(found === store || isDeepStrictEqual(JSON.parse(found ?? 'null'), store), found);
    }
    const found = {
      parked: [...this.parked.keys()],
      lock: this.lock === null ? 'free' : 'held',
      set_aside: this.setAside,
      tokens_in_journal: TOKENS.filter((token) => this.journal?.includes(token)),
    };
    for (const [name, value] of Object.entries(others)) assert.deepEqual(found[name], value, name);
  }
}

/** Steps the machines of a vector and compares what they ask for. */
class Runner {
  #disk = new Disk();
  #actors = new Map();
  #wallOffset = 0;

  constructor(vector, ticked) {
    known(vector, 'name', 'promise', 'why', 'machines', 'disk', 'steps', 'disk_after');
    this.vector = vector;
    this.ticked = ticked;
  }

  run() {
    this.#disk.edit(this.vector.disk ?? {});
    this.vector.steps.forEach((step, index) => {
      try {
        this.#step(step);
      } catch (error) {
        error.message = `step ${index + 1}: ${error.message}`;
        throw error;
      }
    });
    for (const [name, { callers }] of this.#actors) assert.deepEqual([...callers], [], `callers of ${name} never answered`);
    this.#disk.check(this.vector.disk_after ?? {});
  }

  #step(step) {
    const happens = ['input', 'answer', 'edit', 'crash'].filter((what) => what in step);
    known(step, 'at_ms', 'wall_jump_ms', 'machine', 'of', 'stop_at', ...happens, 'effects', 'wake_in_ms', 'must_stay', 'current');
    assert.equal(happens.length, 1);
    this.#wallOffset += step.wall_jump_ms ?? 0;
    this.now = { wall: START + step.at_ms + this.#wallOffset, mono: step.at_ms };
    if (step.edit) return this.#disk.edit(step.edit);
    if (step.crash) {
      if (this.#disk.lock === step.crash) this.#disk.lock = null;
      return assert.ok(this.#actors.delete(step.crash), 'only what runs can crash');
    }
    const name = step.machine ?? 'a';
    const fed = step.input ? this.#input(step.input, name) : this.#answer(step.answer, name, step.of ?? name);
    const shown = [];
    const wakeIn = this.#drive(name, fed, step.stop_at, shown);
    assert.deepEqual(shown, step.effects);
    assert.equal(wakeIn === null ? null : millis(wakeIn), step.wake_in_ms);
    const { machine } = this.#actor(name);
    if ('must_stay' in step) assert.equal(machine.mustStay(), step.must_stay);
    if ('current' in step) assert.deepEqual(showCurrent(machine), step.current);
    return undefined;
  }

  #drive(name, fed, stopAt, shown) {
    const actor = this.#actor(name);
    // What an earlier step left open stays open until a step answers it.
    const waits = fed.kind !== undefined && actor.open !== null;
    for (;;) {
      if (this.ticked && fed.kind === undefined) this.#feed(name, { kind: 'tick' }, shown);
      const wakeIn = this.#feed(name, fed, shown);
      const op = actor.open;
      if (waits || op === null || op.kind === 'fetch' || op.kind === stopAt) return wakeIn;
      actor.open = null;
      fed = this.#disk.perform(op, name);
    }
  }

  #feed(name, fed, shown) {
    const actor = this.#actor(name);
    const { effects, wakeIn } = actor.machine.step(this.now, fed);
    for (const effect of effects) {
      if (effect.event?.kind !== 'transition') shown.push(show(effect));
      if (effect.kind === 'deliver') assert.ok(actor.callers.delete(effect.waiter), 'delivered to nobody');
      else if (effect.kind !== 'emit') {
        assert.equal(actor.open, null, 'a second effect is open');
        assert.ok(effect.kind !== 'fetch' || this.#disk.lock === name, 'a fetch without the lock');
        actor.open = effect;
      }
    }
    return wakeIn;
  }

  #actor(name) {
    if (!this.#actors.has(name)) {
      const { seed = 1, holder = { pid: 4711, host: 'laptop' }, ...settings } = this.vector.machines[name];
      const machine = new Machine({ token_url: 'https://id.test/token', client_id: 'client-1', ...settings }, { seed, holder });
      this.#actors.set(name, { machine, open: null, callers: new Set() });
    }
    return this.#actors.get(name);
  }

  #input(given, name) {
    const [kind, members] = only(given);
    const { callers } = this.#actor(name);
    if (['want', 'adopt', 'sign_out', 'look'].includes(kind)) callers.add(members.waiter);
    const { waiter } = members;
    switch (kind) {
      case 'want': {
        known(members, 'waiter', 'min_ttl_ms', 'deadline_ms', 'explicit');
        const { min_ttl_ms: minTtl, deadline_ms: deadline, explicit } = members;
        return { kind, waiter, minTtl, deadline, explicit };
      }
      case 'adopt':
        known(members, 'waiter', 'grant', 'guard');
        return { kind, waiter, grant: grant(members.grant), replace: { replace: true, same_account: false }[members.guard ?? 'same_account'] };
      case 'refused':
        return { kind, token: new AccessToken(known(members, 'token').token) };
      case 'forget':
        callers.delete(waiter);
        return { kind, ...known(members, 'waiter') };
      case 'sign_out':
      case 'look':
        return { kind, ...known(members, 'waiter') };
      case 'changed':
      case 'tick':
        return { kind, ...known(members) };
      default:
        return assert.fail(`unknown input ${kind}`);
    }
  }

  #answer(given, name, of) {
    const [kind, reply] = only(given);
    const actor = this.#actor(of);
    const effect = actor.open;
    actor.open = null;
    assert.ok(effect, 'no effect is open');
    if (effect.kind !== 'fetch') return this.#disk.answer(effect, kind, reply, name);
    assert.equal(kind, 'fetch');
    return effect.answer(outcome(reply));
  }
}

/** Reads a grant. */
function grant(members) {
  known(members, 'access_token', 'expires_at_ms', 'refresh_token', 'scope', 'issued_at_ms', 'account');
  const at = (milliseconds) => (milliseconds == null ? undefined : new Date(START + milliseconds));
  const { access_token: accessToken, expires_at_ms: ends, refresh_token: refreshToken, scope, issued_at_ms: issued, account } = members;
  return new Grant({ accessToken, expiresAt: at(ends), refreshToken, scope, issuedAt: at(issued), account });
}

/** Reads what the server says. */
function outcome(reply) {
  known(reply, 'status', 'headers', 'body', 'pad', 'not_sent', 'blocked', 'misconfigured', 'maybe_sent');
  if ('blocked' in reply) return { notSent: reply.blocked, blocked: true };
  if ('misconfigured' in reply) {
    const [, setting, detail] = /^(.*?): (.*)$/.exec(reply.misconfigured);
    return { notSent: detail, setting };
  }
  if ('not_sent' in reply) return { notSent: reply.not_sent };
  if ('maybe_sent' in reply) return { maybeSent: reply.maybe_sent };
  const { status, headers = {}, body = null, pad = 0 } = reply;
  const isTyped = Object.keys(headers).some((name) => name.toLowerCase() === 'content-type');
  const typed = body === null || typeof body === 'string' || isTyped ? headers : { ...headers, 'content-type': 'application/json' };
  return { status, headers: typed, body: `${body === null ? '' : text(body)}${' '.repeat(pad)}` };
}

/** Returns an effect in the words of a vector. */
function show(effect) {
  return { [effect.kind]: SHOWN[effect.kind](effect) };
}

const SHOWN = {
  load: ({ journal, store, parked }) => ({ journal: journal.reduce((sum, [start, end]) => sum + end - start, 0), store, parked }),
  try_lock: () => ({}),
  prepare: ({ journal }) => given({ set_aside: journal.setAside || undefined }),
  stage: () => ({}),
  commit: (op) => ({ store: JSON.parse(op.data()?.toString() ?? 'null') }),
  note: ({ journal, unpark }) => given({ set_aside: journal.setAside || undefined, unpark: unpark.length ? unpark : undefined }),
  park: () => ({}),
  unlock: () => ({}),
  fetch: ({ request }) => {
    const [headers, body] = [request.headers(), request.body().toString()];
    const form = headers['content-type'].includes('json') ? { json: JSON.parse(body) } : { form: Object.fromEntries(new URLSearchParams(body)) };
    return { url: request.url, headers: Object.keys(headers).sort(), ...form };
  },
  deliver: ({ waiter, token, error }) =>
    given({
      waiter,
      token: token?.expose(),
      expires_at_ms: token?.expiresAt ? token.expiresAt.getTime() - START : undefined,
      error: error ? showError(error) : undefined,
    }),
  emit: ({ event }) => {
    const { kind, level, message, refreshToken, accessToken, base, retryIn, holder, error, ...others } = event;
    assert.ok(['error', 'warn', 'info', 'debug'].includes(level) && message.startsWith(kind));
    return given({
      event: kind,
      ...others,
      refresh_token: named(refreshToken),
      access_token: named(accessToken),
      base: named(base),
      holder: holder ? `process ${holder.pid} on ${holder.host}` : undefined,
      retry_in_ms: retryIn === undefined ? undefined : millis(retryIn),
      error: error ? showError(error) : undefined,
    });
  },
};

/** Returns the token that a fingerprint names. */
function named(fingerprint) {
  if (fingerprint === undefined) return undefined;
  assert.ok(NAMES.has(fingerprint), `no token of the vectors is called ${fingerprint}`);
  return NAMES.get(fingerprint);
}

/** Returns an error in the words of a vector. */
const showError = (error) => given({ kind: error.code, message: error.message, retry_in_ms: error.retryIn === null ? undefined : millis(error.retryIn) });

/** Returns the token that may be handed out, in the words of a vector. */
function showCurrent(machine) {
  const current = machine.current();
  if (current === null) return null;
  const moment = (now) => (now === null ? undefined : now.wall - START);
  return given({ token: current.token.expose(), early_at_ms: moment(current.earlyAt), ends_at_ms: moment(current.endsAt) });
}

/** Returns the members; an unknown one is an error. */
function known(members, ...names) {
  const unknown = Object.keys(members).filter((name) => !names.includes(name));
  assert.deepEqual(unknown, [], 'unknown members');
  return members;
}

/** Returns the one member. */
function only(members) {
  const entries = Object.entries(members);
  assert.equal(entries.length, 1);
  return entries[0];
}

/** Returns the members that are there. */
const given = (members) => Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined));

/** Returns a text as it stands, anything else as JSON. */
const text = (value) => (typeof value === 'string' ? value : JSON.stringify(value));

/** Returns a span in whole milliseconds, rounded up. */
const millis = (span) => Math.ceil(Math.round(span * 1e6) / 1e6);
