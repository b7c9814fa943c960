// What tokenward is for people who write TypeScript. Times are milliseconds, moments are Dates.
/// <reference types="node" />
import { EventEmitter } from 'node:events';

/** What to do next is `act`; which error it is, is `code`: the same words in every language. */
export type ErrorKind = 'signed_out' | 'reauth_required' | 'misconfigured' | 'unavailable' | 'blocked' | 'store_busy' | 'store_unreadable' | 'store_unwritable' | 'downgrade' | 'account_mismatch';

/** What ended a login. A server's own code may stand there too. */
export type ReauthReason = 'expired' | 'revoked' | 'reused' | 'rotation_lost';

export type Act = 'sign_in' | 'fix_configuration' | 'wait' | 'check_network' | 'retry' | 'free_store' | 'confirm';

/** A process that stands in the way. */
export interface Holder {
  pid: number;
  host: string;
}

/** Why there is no token. The message holds no secret. */
export class TokenError extends Error {
  readonly code: ErrorKind;
  readonly act: Act;
  /** What tells errors of one kind apart: a {@link ReauthReason}, a server's code, what is wrong with a store. */
  readonly reason: ReauthReason | (string & {}) | null;
  /** The time until it pays to ask again. */
  readonly retryIn: number | null;
  readonly holder: Holder | null;
}

/** There is no login: sign in. */
export class SignedOutError extends TokenError {}
/** The login is over: sign in again. */
export class ReauthRequiredError extends TokenError {}
/** A person must change a setting, here or at the provider. */
export class MisconfiguredError extends TokenError {}
/** It passes: ask again after `retryIn`. */
export class UnavailableError extends TokenError {}
/** A page of a firewall, proxy or portal came instead of an answer: tell a person. */
export class BlockedError extends TokenError {}
/** Another process keeps the store. */
export class StoreBusyError extends TokenError {}
/** The store cannot be read. It was left as it is. */
export class StoreUnreadableError extends TokenError {}
/** The store cannot be written. Found before the refresh token was spent. */
export class StoreUnwritableError extends TokenError {}
/** What was to be saved is older than what is there, or cannot be refreshed. */
export class DowngradeError extends TokenError {}
/** What was to be saved belongs to somebody else. */
export class AccountMismatchError extends TokenError {}

/** The settings by their names in files and variables; times in seconds. */
export interface Settings {
  /** The tool whose login is shared: it sets what is left out below. */
  profile?: 'claude-code' | 'panda' | 'codex';
  /** Required without a profile that sets it. */
  token_url?: string;
  /** Required without a profile that sets it. */
  client_id?: string;
  client_secret?: string;
  token_endpoint_auth_method?: 'client_secret_post' | 'client_secret_basic';
  token_request?: 'form' | 'json';
  bearer?: 'access_token' | 'id_token';
  account_field?: string;
  issuer?: string;
  resource?: string;
  /** Required without a profile that sets it. */
  store?: string;
  format?: 'tokenward' | 'claude-code' | 'panda' | 'codex' | 'gemini' | 'anthropic-sdk' | 'aws-sso';
  read_only?: boolean;
  resident?: boolean;
  deadline?: number;
  patience?: number;
  timeout?: number;
  connect_timeout?: number;
  unknown_outcome?: 'replay' | 'reauth';
  trust_lock?: boolean;
  ca_file?: string;
  user_agent?: string;
}

/** An access token. It prints its fingerprint, and gives its text only to {@link expose}. */
export class AccessToken {
  constructor(text: string, expiresAt?: Date);
  expose(): string;
  /** The value of an Authorization header (RFC 6750 section 2.1). */
  authorization(): string;
  /** `null` if the server did not say: then it works until it is refused. */
  readonly expiresAt: Date | null;
  /** Its name, safe to log. */
  readonly fingerprint: string;
  toJSON(): string;
}

export interface Wish {
  /** The life that the token should have left, where that can be had. */
  minTtl?: number;
  /** How long to wait. By default the setting of that name. */
  deadline?: number;
  /** Ends the wait, never the refresh. */
  signal?: AbortSignal;
}

export interface Grant {
  accessToken?: string | AccessToken;
  refreshToken?: string;
  expiresAt?: Date;
  /** By default now. */
  issuedAt?: Date;
  scope?: string;
  account?: string;
}

/** What is known of a credential, without a secret: tokens are fingerprints. */
export interface Status {
  accessToken: string | null;
  expiresAt: Date | null;
  refreshToken: string | null;
  scope: string | null;
  account: string | null;
  lastRotation: Date | null;
  /** The moment before which nobody asks the server again. */
  notBefore: Date | null;
  /** Why the refresh token is known to be dead. */
  dead: ReauthReason | (string & {}) | null;
  /** The process that last changed something. It may have ended. */
  holder: Holder | null;
  /** Whether the server's answer is in the journal and not yet in the store. */
  unsaved: boolean;
  /** Whether the outcome of the last request is unknown. */
  unknownOutcome: boolean;
  fault: TokenError | null;
}

export interface News {
  /** The event's name, the same in every language. */
  kind: string;
  level: 'error' | 'warn' | 'info' | 'debug';
  /** All of it in one line, without a secret: tokens by their fingerprints. */
  message: string;
  error: TokenError | null;
}

/**
 * A credential that is kept usable, shared with every process on the same store. An idle source keeps no event loop
 * alive; an exit waits while a refresh token is on its way.
 *
 * Emits `news` for everything that happens, and each event under its own name in camelCase, with its error if it has
 * one: `reauthRequired`, `rotated`, `adopted`, `saveFailed`, …
 */
export class TokenSource extends EventEmitter {
  /** @throws TypeError for a setting that cannot be used; it names the setting. */
  constructor(settings: Settings & ({ profile: string } | { token_url: string; client_id: string; store: string }));
  /** Returns a source that hands out this token for ever: for tests. */
  static static(token: string | AccessToken): TokenSource;

  /** Returns a token that works. Rejects with a {@link TokenError}, or with the signal's reason. */
  getToken(wish?: Wish): Promise<AccessToken>;
  /** Returns the token if it can be had without waiting. */
  fresh(): AccessToken | null;
  /** Asks the server for a new token even if the old one is fresh. */
  refresh(wish?: Omit<Wish, 'minTtl'>): Promise<AccessToken>;
  /** Returns the value of an Authorization header. */
  authorization(wish?: Wish): Promise<string>;
  /** Says that a server refused this token: 401, or `invalid_token`. */
  reportRefused(token: AccessToken): void;
  /** May be sent to a renderer. */
  status(): Promise<Status>;
  /** Reads the store now; a source in use sees a change within a second anyway. */
  look(): Promise<void>;
  /** Stores a login. With `replace` it may be older, another account's, or one that cannot be refreshed. */
  save(grant: Grant, options?: { replace?: boolean }): Promise<void>;
  /** Removes the credential from the store. The server is not told. */
  clear(): Promise<void>;
  /** Closes the source. Waits while a refresh token is on its way. */
  close(): Promise<void>;

  /**
   * `fetch` with the token. On 401 the request is repeated once with a newer token, if its body can be sent twice and
   * the answer came from the origin that was asked. `insufficient_scope` leads to no refresh.
   */
  readonly fetch: typeof globalThis.fetch;
  /** The same over a `fetch` of yours. */
  fetchWith(fetch: typeof globalThis.fetch): typeof globalThis.fetch;
  toJSON(): string;
}
