// Locks a file as pi does with its `auth.json`: `node proper-lockfile.mjs FILE`.
//
// Orders are lines on standard input: `lock` says {"locked":true} or {"locked":false}, `unlock` says {"unlocked":true}.

import { createInterface } from 'node:readline';
import lockfile from 'proper-lockfile';

const file = process.argv[2];
const say = (line) => process.stdout.write(`${JSON.stringify(line)}\n`);
const orders = {
  lock: async () => say({ locked: await lockfile.lock(file, { stale: 30_000, realpath: false }).then(() => true, () => false) }),
  unlock: async () => say({ unlocked: await lockfile.unlock(file, { realpath: false }).then(() => true, () => false) }),
};

for await (const line of createInterface({ input: process.stdin })) await orders[line]();
process.exit(0);
