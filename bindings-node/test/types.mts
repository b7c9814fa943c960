// Compiled, never run: what the declarations promise to TypeScript.
import {
  AccessToken, FileStore, Grant, Machine, ReauthRequiredError, TokenError, TokenSource, readAnswer,
  type ErrorKind, type Event, type Input, type Now, type Status,
} from '../index.mjs';

const source = new TokenSource({ store: 'login.json', token_url: 'https://id.test/token', client_id: 'my-client', timeout: 5 });
const token: AccessToken = await source.getToken({ minTtl: 60_000, signal: AbortSignal.timeout(1000) });
const text: string = token.expose();
const fresh: AccessToken | null = source.fresh();
const response: Response = await source.fetch('https://api.test/', { headers: { accept: text } });
const status: Status = await source.status();
const ends: Date | null = status.expiresAt;
source.on('reauthRequired', (error, event) => {
  const kind: ErrorKind | undefined = error?.code;
  const retryIn: number | undefined = event.retryIn;
  if (error instanceof ReauthRequiredError) console.log(kind, error.reason, error.retryIn, retryIn);
});
await source.save({ accessToken: token, refreshToken: 'refresh-token-1' }, { replace: true });
console.log(fresh, response, ends);

// @ts-expect-error: a setting that does not exist
new TokenSource({ store: 'login.json', token_url: 'https://id.test/token', client_id: 'my-client', tiemout: 5 });
// @ts-expect-error: a setting that is missing
new TokenSource({ store: 'login.json' });
// @ts-expect-error: the text is had by expose()
const wrong: string = token;

// Your own IO: what is asked and what is answered are told apart by `kind`.
const machine = new Machine({ token_url: 'https://id.test/token', client_id: 'my-client' }, { seed: 1, holder: { pid: 1, host: 'here' } });
const store = new FileStore('login.json', { trustLock: true, format: 'claude-code' });
const now: Now = { wall: Date.now(), mono: performance.now() };
const inputs: Input[] = [{ kind: 'want', waiter: 1 }, { kind: 'tick' }, { kind: 'refused', token }, { kind: 'adopt', waiter: 2, grant: new Grant({ refreshToken: text }) }];
for (const effect of machine.step(now, inputs[0]!).effects) {
  switch (effect.kind) {
    case 'deliver':
      console.log(effect.waiter, effect.token?.expiresAt, effect.error?.retryIn);
      break;
    case 'emit':
      console.log(effect.event.message);
      break;
    case 'fetch':
      machine.step(now, effect.answer({ status: response.status, headers: response.headers, body: new Uint8Array(await response.arrayBuffer()) }));
      machine.step(now, effect.answer({ notSent: 'unplugged', blocked: true }));
      break;
    case 'try_lock':
      machine.step(now, effect.answer('busy'));
      // @ts-expect-error: only a store can be moved
      effect.answer('moved');
      break;
    default:
      machine.step(now, store.perform(effect));
      machine.step(now, await store.performAsync(effect));
  }
}
const { grant } = readAnswer({ status: 200, body: '{}' }, new Date());
await source.save(grant ?? { refreshToken: 'refresh-token-1' });
// @ts-expect-error: only an effect can make an answer
machine.step(now, {});
// @ts-expect-error: no input of that name
machine.step(now, { kind: 'wants', waiter: 1 });
// @ts-expect-error: a fetch is not for a store
store.perform({ kind: 'fetch' });
source.on('news', (event: Event) => console.log(event.message));
// @ts-expect-error: an event that does not exist
source.on('reauthRequried', () => {});
