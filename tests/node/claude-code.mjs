// A stand-in for Claude Code: refreshes the login in a `.credentials.json` by its protocol, with the lock it uses.
//
//   node claude-code.mjs FOLDER TOKEN_URL CLIENT_ID NAME [--no-locks] [--write-lock NAME]
//
// Orders are lines on standard input, answers are lines of JSON on standard output:
//
//   refresh      {"done":{"outcome":"refreshed"|"adopted"|"moved"|"failed STATUS CODE","token":NAME}}
//   write        changes a sibling under the lock around a write, then {"wrote":true}
//
// At its start it says {"ready":true}; between its tries for a lock {"busy":true}; about to send the refresh token
// {"posting":true}.
//
// A refresh: lock `FOLDER/.oauth_refresh.lock`, lock `realpath(FOLDER).lock`; where the second is taken, give back the
// first; five tries. Read the file again, adopt a newer access token, else POST the refresh token as JSON. Save under
// the lock around a write, if the file still holds the refresh token that was sent: a new file renamed over the old one,
// siblings kept. Sources differ about the name of that lock: `.storage-write` or `.storage-write.lock`.

import { createHash, randomBytes } from 'node:crypto';
import { readFileSync, realpathSync, renameSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as pause } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import lockfile from 'proper-lockfile';

const options = { 'no-locks': { type: 'boolean' }, 'write-lock': { type: 'string', default: '.storage-write' } };
const { positionals, values } = parseArgs({ options, allowPositionals: true });
const [folder, tokenUrl, clientId, name] = positionals;
const file = join(folder, '.credentials.json');
const locks = !values['no-locks'];
// The owner pauses for one to two seconds; this one has less time.
const TRIES = 200;

const say = (line) => process.stdout.write(`${JSON.stringify(line)}\n`);
const read = () => JSON.parse(readFileSync(file, 'utf8'));
const nameOf = (token) => createHash('sha256').update(token).digest('hex').slice(0, 8);

async function lock(path, stale) {
  // The artefact is the path itself, as the owner has it; a lock that is taken over is told, and ends nothing here.
  const release = await lockfile.lock(path, { lockfilePath: path, realpath: false, stale, update: 5000, onCompromised() {} });
  return () => release().catch(() => {});
}

async function lockRefresh() {
  if (!locks) return () => {};
  for (let tries = 1; ; tries += 1) {
    try {
      const first = await lock(join(folder, '.oauth_refresh.lock'), 60_000);
      try {
        const second = await lock(`${realpathSync(folder)}.lock`, 60_000);
        return async () => {
          await second();
          await first();
        };
      } catch (error) {
        await first();
        throw error;
      }
    } catch (error) {
      if (error.code !== 'ELOCKED' || tries === TRIES) throw error;
      say({ busy: true });
      await pause(20 + Math.random() * 20);
    }
  }
}

async function lockWrite() {
  if (!locks) return () => {};
  for (let tries = 1; ; tries += 1) {
    try {
      return await lock(join(folder, values['write-lock']), 15_000);
    } catch (error) {
      if (error.code !== 'ELOCKED' || tries === TRIES) throw error;
      await pause(5);
    }
  }
}

function replace(content) {
  const made = `${file}.${name}-${randomBytes(4).toString('hex')}`;
  writeFileSync(made, JSON.stringify(content), { mode: 0o600 });
  renameSync(made, file);
}

function post(body) {
  return new Promise((resolve, reject) => {
    const headers = { 'content-type': 'application/json', 'user-agent': name, 'content-length': Buffer.byteLength(body) };
    const sent = request(tokenUrl, { method: 'POST', headers, agent: false }, (answer) => {
      let text = '';
      answer.on('data', (part) => (text += part));
      answer.on('end', () => resolve({ status: answer.statusCode, body: JSON.parse(text) }));
    });
    sent.on('error', reject);
    sent.end(body);
  });
}

let known = read().claudeAiOauth.accessToken;

async function refresh() {
  const release = await lockRefresh();
  try {
    const before = read().claudeAiOauth;
    if (before.accessToken !== known) {
      known = before.accessToken;
      return { outcome: 'adopted', token: nameOf(known) };
    }
    say({ posting: true });
    const sent = before.refreshToken;
    const { status, body } = await post(JSON.stringify({ grant_type: 'refresh_token', refresh_token: sent, client_id: clientId }));
    if (status !== 200) return { outcome: `failed ${status} ${body.error}` };
    const written = await lockWrite();
    try {
      const now = read();
      if (now.claudeAiOauth.refreshToken !== sent) return { outcome: 'moved' };
      now.claudeAiOauth = {
        ...now.claudeAiOauth,
        accessToken: body.access_token,
        refreshToken: body.refresh_token,
        expiresAt: Date.now() + body.expires_in * 1000,
      };
      replace(now);
      known = body.access_token;
      return { outcome: 'refreshed', token: nameOf(known) };
    } finally {
      await written();
    }
  } finally {
    await release();
  }
}

async function write() {
  const written = await lockWrite();
  try {
    const now = read();
    now.mcpOAuth.written = (now.mcpOAuth.written ?? 0) + 1;
    replace(now);
  } finally {
    await written();
  }
}

const orders = {
  refresh: async () => say({ done: await refresh().catch((error) => ({ outcome: `failed ${error.code ?? error}` })) }),
  write: async () => {
    await write();
    say({ wrote: true });
  },
};

say({ ready: true });
for await (const line of createInterface({ input: process.stdin })) await orders[line]();
process.exit(0);
