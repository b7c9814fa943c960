import assert from 'node:assert/strict';
import { test } from 'node:test';

import { World, ended, nextLine } from './world.mjs';

/** Four processes that, for each line they read, ask `callers` times at once and say which tokens they got. */
async function herd(t, callers, rotations) {
  const world = await World.start(t, '--ttl', '2', '--latency', '50');
  const children = Array.from({ length: 4 }, () =>
    world.script(`
      const source = new TokenSource(settings);
      for await (const _ of require('node:readline').createInterface({ input: process.stdin })) {
        const tokens = await Promise.all(Array.from({ length: ${callers} }, () => source.getToken()));
        const names = [...new Set(tokens.map((token) => token.fingerprint))];
        console.log(JSON.stringify({ names, endsAt: tokens[0].expiresAt.getTime() }));
      }
      await source.close();
    `),
  );
  for (let rotation = 1; rotation <= rotations; rotation += 1) {
    for (const child of children) child.stdin.write('now\n');
    const lines = await Promise.all(children.map(async (child) => JSON.parse(await nextLine(child))));
    assert.equal(new Set(lines.flatMap(({ names }) => names)).size, 1, JSON.stringify(lines));
    // Half of its life is left when a token this short is handed out for the last time.
    const end = lines[0].endsAt - 1000 + 25;
    while (Date.now() < end) await new Promise((resolve) => setTimeout(resolve, end - Date.now()));
  }
  for (const child of children) child.stdin.end();
  for (const child of children) assert.equal(await ended(child), 0);
  const { requests, rotations: rotated, replays, families_revoked: revoked } = await world.stats();
  assert.deepEqual({ requests, rotated, replays, revoked }, { requests: rotations, rotated: rotations, replays: 0, revoked: 0 });
}

test('four processes make one request per rotation', (t) => herd(t, 1, 10));

test('four processes of 250 callers make one request per rotation', (t) => herd(t, 250, 3));
