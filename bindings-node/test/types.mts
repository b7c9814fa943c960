// Compiled, never run: what the declarations promise to TypeScript.
import { AccessToken, ReauthRequiredError, TokenError, TokenSource, type ErrorKind, type Status } from '../index.mjs';

const source = new TokenSource({ store: 'login.json', token_url: 'https://id.test/token', client_id: 'my-client', timeout: 5 });
const token: AccessToken = await source.getToken({ minTtl: 60_000, signal: AbortSignal.timeout(1000) });
const text: string = token.expose();
const fresh: AccessToken | null = source.fresh();
const response: Response = await source.fetch('https://api.test/', { headers: { accept: text } });
const status: Status = await source.status();
const ends: Date | null = status.expiresAt;
source.on('reauthRequired', (error: TokenError) => {
  const kind: ErrorKind = error.code;
  if (error instanceof ReauthRequiredError) console.log(kind, error.reason, error.retryIn);
});
await source.save({ accessToken: token, refreshToken: 'refresh-token-1' }, { replace: true });
console.log(fresh, response, ends);

// @ts-expect-error: a setting that does not exist
new TokenSource({ store: 'login.json', token_url: 'https://id.test/token', client_id: 'my-client', tiemout: 5 });
// @ts-expect-error: a setting that is missing
new TokenSource({ store: 'login.json' });
// @ts-expect-error: the text is had by expose()
const wrong: string = token;
