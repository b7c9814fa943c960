// A worker of the herd, in Node: orders and answers are those of tests/src/real/script.rs. Its callers are promises.
const { createInterface } = require('node:readline');
const { setTimeout: sleep } = require('node:timers/promises');

// The package lies where the test says: a file has no other way to what is not installed.
const { TokenError, TokenSource } = require(process.argv[2]);

function reply(id, got) {
  console.log(JSON.stringify({ Reply: { id, got } }));
}

async function ask(source) {
  try {
    const token = await source.getToken();
    return { outcome: { Ok: token.fingerprint }, ends_at: token.expiresAt.getTime(), done_at: Date.now() };
  } catch (error) {
    if (!(error instanceof TokenError)) throw error;
    return { outcome: { Err: error.code }, ends_at: 0, done_at: Date.now() };
  }
}

async function main() {
  let source;
  for await (const line of createInterface({ input: process.stdin })) {
    const { id, command } = JSON.parse(line);
    if (command.Open) {
      const { store, token_url, client_id, name } = command.Open;
      source = new TokenSource({ store, token_url, client_id, user_agent: name });
      reply(id, []);
    } else if (command.Get) {
      const { at, threads } = command.Get;
      while (Date.now() < at) await sleep(at - Date.now());
      reply(id, await Promise.all(Array.from({ length: threads }, () => ask(source))));
    } else if (command === 'Close') {
      await source.close();
      reply(id, [{ outcome: { Ok: '' }, ends_at: 0, done_at: Date.now() }]);
    } else {
      throw new Error(`this worker cannot do ${JSON.stringify(command)}`);
    }
  }
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
