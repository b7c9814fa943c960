// A host of your own: the machine decides, fetch speaks HTTP, a timer keeps the time, FileStore keeps the files.
import { FileStore, Machine } from '@tokenward/tokenward';

export class Host {
  #machine;
  #store;
  #timer;
  #callers = new Map();
  #number = 0;

  constructor(settings) {
    this.#machine = new Machine(settings);
    this.#store = new FileStore(settings.store);
  }

  getToken() {
    return new Promise((resolve, reject) => {
      this.#callers.set((this.#number += 1), { resolve, reject });
      this.#step({ kind: 'want', waiter: this.#number });
    });
  }

  #step(input) {
    const { effects, wakeIn } = this.#machine.step({ wall: Date.now(), mono: performance.now() }, input);
    for (const effect of effects) {
      if (effect.kind === 'deliver') this.#deliver(effect);
      else if (effect.kind === 'fetch') effect.send(fetch).then((answer) => this.#step(answer));
      else if (effect.kind !== 'emit') this.#store.performAsync(effect).then((answer) => this.#step(answer));
    }
    clearTimeout(this.#timer);
    if (wakeIn !== null) this.#timer = setTimeout(() => this.#step({ kind: 'tick' }), wakeIn);
    // While nobody waits, the timer keeps no process alive; a request or a write that is under way does.
    if (this.#callers.size === 0) this.#timer?.unref();
  }

  #deliver({ waiter, token, error }) {
    const { resolve, reject } = this.#callers.get(waiter);
    this.#callers.delete(waiter);
    return error ? reject(error) : resolve(token);
  }
}
