// What a fresh token costs, beside an empty call into the compiled part and a closure that sees nobody else, measured in
// the same run; and what the import adds to a bare process. Run it after `node scripts/build.mjs`.
import { execFileSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';

const require = createRequire(import.meta.url);
const { TokenSource, AccessToken } = require('../index.cjs');
const { nothing } = require('../lib/native.cjs');

const NUMBER = 500_000;
const ROUNDS = 9;
const index = JSON.stringify(fileURLToPath(new URL('../index.cjs', import.meta.url)));

/** Returns the best of the rounds, in nanoseconds for each call. */
function sync(call) {
  let best = Infinity;
  for (let round = 0; round < ROUNDS; round += 1) {
    const start = process.hrtime.bigint();
    for (let turn = 0; turn < NUMBER; turn += 1) call();
    best = Math.min(best, Number(process.hrtime.bigint() - start) / NUMBER);
  }
  return best;
}

/** The same for calls that are awaited, one after the other. */
async function awaited(call) {
  let best = Infinity;
  for (let round = 0; round < ROUNDS; round += 1) {
    const start = process.hrtime.bigint();
    for (let turn = 0; turn < NUMBER; turn += 1) await call();
    best = Math.min(best, Number(process.hrtime.bigint() - start) / NUMBER);
  }
  return best;
}

/** Returns the best time that `require` takes in a process of its own, in milliseconds. */
function imported() {
  const code = `const start = performance.now(); require(${index}); console.log(performance.now() - start);`;
  const times = Array.from({ length: 25 }, () => Number(execFileSync(process.execPath, ['-e', code], { encoding: 'utf8' })));
  return Math.min(...times);
}

const tell = (value, unit, what) => console.log(`${value.toFixed(unit === 'ns' ? 0 : 1).padStart(6)} ${unit}  ${what}`);

/** What applications write: it knows its own token and the clock. */
const blind = { text: 'access-token-1', endsAt: Date.now() + 3_600_000 };
const closure = () => (Date.now() < blind.endsAt ? blind.text : undefined);
const asyncClosure = async () => closure();
const source = TokenSource.static(new AccessToken('access-token-1', new Date(Date.now() + 3_600_000)));

console.log(`Node ${process.version}`);
tell(sync(nothing), 'ns', 'an empty call into the compiled part');
tell(sync(closure), 'ns', 'a blind closure');
tell(sync(() => source.fresh()), 'ns', 'source.fresh()');
tell(sync(() => source.fresh().expose()), 'ns', 'source.fresh().expose()');
tell(sync(() => source.fresh().authorization()), 'ns', 'source.fresh().authorization()');
tell(await awaited(() => undefined), 'ns', 'await of nothing');
tell(await awaited(asyncClosure), 'ns', 'await of a blind closure');
tell(await awaited(() => source.getToken()), 'ns', 'await source.getToken()');
tell(await awaited(() => source.authorization()), 'ns', 'await source.authorization()');
tell(imported(), 'ms', 'require()');
