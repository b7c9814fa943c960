// A strict provider in a process of its own, a store, and processes that use it. Everything ends with the test.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const here = dirname(fileURLToPath(import.meta.url));
const command = join(here, '..', 'bin', 'tokenward.cjs');

export class World {
  static async start(test, ...options) {
    const world = new World();
    world.folder = mkdtempSync(join(tmpdir(), 'tokenward-node-'));
    world.provider = spawn(process.execPath, [command, 'provider', ...options], { stdio: ['pipe', 'pipe', 'inherit'] });
    test.after(async () => {
      world.provider.stdin.end();
      await ended(world.provider);
      rmSync(world.folder, { recursive: true });
    });
    world.ready = JSON.parse(await firstLine(world.provider));
    world.store = join(world.folder, 'login.json');
    world.write({ version: 1, refresh_token: world.ready.refresh_token });
    world.settings = { store: world.store, token_url: world.ready.token_url, client_id: world.ready.client_id };
    return world;
  }

  write(content) {
    writeFileSync(this.store, JSON.stringify(content), { mode: 0o600 });
  }

  read() {
    return JSON.parse(readFileSync(this.store, 'utf8'));
  }

  /** Gives a command to the provider's control API. */
  async control(order) {
    const response = await fetch(`${this.ready.url}/control`, { method: 'POST', body: JSON.stringify(order) });
    if (!response.ok) throw new Error(`${JSON.stringify(order)}: ${await response.text()}`);
    return response.json();
  }

  async stats() {
    return (await fetch(`${this.ready.url}/stats`)).json();
  }

  /** Waits until a counter of the provider is at least `count`. */
  async wait(event, count = 1) {
    const response = await fetch(`${this.ready.url}/control/wait?event=${event}&count=${count}`);
    if (!response.ok) throw new Error(`${event} was never ${count}`);
  }

  /** Runs a script in a process of its own. It finds `settings`, the path `index` and the exports of the package. */
  script(body) {
    const text = `const index = ${JSON.stringify(join(here, '..', 'index.cjs'))};
      const { TokenSource, AccessToken, ...errors } = require(index);
      const settings = ${JSON.stringify(this.settings)};
      (async () => { ${body} })().catch((error) => { console.error(error); process.exit(1); });`;
    const child = spawn(process.execPath, ['-e', text], { stdio: ['pipe', 'pipe', 'inherit'] });
    child.lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
    return child;
  }
}

/** Waits for the end of a process and returns its exit code. */
export async function ended(child) {
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
  return child.exitCode;
}

export async function nextLine(child) {
  const { value, done } = await child.lines.next();
  if (done) throw new Error('the process ended without a line');
  return value;
}

function firstLine(child) {
  child.lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return nextLine(child);
}
