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

/** An error as plain values: it may be sent to another process. */
export interface Failure {
  readonly name: string;
  /** Holds no secret. */
  readonly message: string;
  readonly code: ErrorKind;
  readonly act: Act;
  /** What tells errors of one kind apart: a {@link ReauthReason}, a server's code, what is wrong with a store. */
  readonly reason: ReauthReason | (string & {}) | null;
  /** The time until it pays to ask again. */
  readonly retryIn: number | null;
  readonly holder: Holder | null;
}

/** Why there is no token. */
export class TokenError extends Error implements Failure {
  readonly code: ErrorKind;
  readonly act: Act;
  readonly reason: ReauthReason | (string & {}) | null;
  readonly retryIn: number | null;
  readonly holder: Holder | null;
  toJSON(): Failure;
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

/** What a {@link Grant} is made of. */
export interface GrantMembers {
  accessToken?: string | AccessToken;
  /** When the access token ends. */
  expiresAt?: Date;
  refreshToken?: string;
  refreshTokenExpiresAt?: Date;
  scope?: string;
  issuedAt?: Date;
  account?: string;
}

/** One credential: what a login yields and the store keeps. It prints its name, and gives its texts only when asked. */
export class Grant {
  constructor(members?: GrantMembers);
  /** `null` after an import of a refresh token alone. */
  readonly accessToken: AccessToken | null;
  /** The refresh token's text. Once it is a string, nobody can wipe it. */
  exposeRefreshToken(): string | null;
  readonly refreshTokenExpiresAt: Date | null;
  /** As the server spelled it. */
  readonly scope: string | null;
  /** When the answer with the access token was received. */
  readonly issuedAt: Date | null;
  readonly account: string | null;
  toJSON(): string;
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
  /** Why there is nothing to tell. */
  fault: Failure | null;
}

/** The names of the events, the same in every language. */
export type EventKind = 'refresh_started' | 'replay' | 'answered' | 'rotated' | 'saved' | 'save_failed' | 'adopted' | 'rolled_forward' | 'dropped' | 'lock_busy' | 'refresh_failed' | 'reauth_required' | 'signed_in' | 'signed_out' | 'refused' | 'journal_set_aside' | 'parked' | 'parked_dropped' | 'late_answer' | 'transition';

/** One thing that happened, without a secret: tokens are fingerprints. What does not belong to its kind is missing. */
export interface Event {
  kind: EventKind;
  level: 'error' | 'warn' | 'info' | 'debug';
  /** All of it in one line. */
  message: string;
  refreshToken?: string;
  accessToken?: string;
  /** The refresh token that was asked with. */
  base?: string;
  /** The number of the attempt with this refresh token. */
  attempt?: number;
  /** The status code of an answer. */
  status?: number;
  /** The row of the table of answers that decided what it means. */
  row?: string;
  /** What was dropped. */
  what?: string;
  /** What happened, in words. */
  detail?: string;
  /** The time until the next attempt. */
  retryIn?: number;
  /** The error that callers see. */
  error?: TokenError;
  /** Whether a refresh follows a refusal. */
  believed?: boolean;
  /** The last process seen with the lock. */
  holder?: Holder;
  /** The row of the transition table: a state and the answer it met. */
  transition?: [state: string, on: string];
}

type Camel<Name extends string> = Name extends `${infer Head}_${infer Tail}` ? `${Head}${Capitalize<Camel<Tail>>}` : Name;

/** What a source emits, and with what. */
export type SourceEvents = { news: [event: Event] } & { [Kind in Exclude<EventKind, 'transition'> as Camel<Kind>]: [error: TokenError | null, event: Event] };

/**
 * A credential that is kept usable, shared with every process on the same store. An idle source keeps no event loop
 * alive; an exit waits while a refresh token is on its way.
 *
 * Emits `news` with every {@link Event}, and each under its own name in camelCase with its error, if it has one, and
 * the event: `reauthRequired`, `rotated`, `adopted`, `saveFailed`, …
 */
export class TokenSource extends EventEmitter<SourceEvents> {
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
  /** Stores a login, by default one of now. With `replace` it may be older, another account's, or one that cannot be refreshed. */
  save(grant: Grant | GrantMembers, options?: { replace?: boolean }): Promise<void>;
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

// -- Bring your own IO ------------------------------------------------------------------------------------------------

/** Both clocks, read together by the host: `{ wall: Date.now(), mono: performance.now() }`. */
export interface Now {
  wall: number;
  mono: number;
}

/** A caller wants a token. Answered by exactly one {@link Deliver}. */
export interface Want {
  kind: 'want';
  waiter: number;
  minTtl?: number;
  /** By default 40 s. */
  deadline?: number;
  /** Asks the server even if the token is fresh. */
  explicit?: boolean;
}

/** A login is to be stored. Answered by exactly one {@link Deliver}. */
export interface Adopt {
  kind: 'adopt';
  waiter: number;
  grant: Grant | GrantMembers;
  replace?: boolean;
}

/** A resource server refused this token. */
export interface Refused {
  kind: 'refused';
  token: AccessToken;
}

/** The credential is to be removed from the store. Answered by exactly one {@link Deliver}. */
export interface SignOut {
  kind: 'sign_out';
  waiter: number;
}

/** A caller wants the store to be read now. Answered by exactly one {@link Deliver}. */
export interface Look {
  kind: 'look';
  waiter: number;
}

/** A caller no longer waits. What it started goes on. */
export interface Forget {
  kind: 'forget';
  waiter: number;
}

/** The store may have moved: a hint, never needed. */
export interface Changed {
  kind: 'changed';
}

/** The time asked for by {@link Step.wakeIn} has passed, or the host looks in early. */
export interface Tick {
  kind: 'tick';
}

declare const answer: unique symbol;

/** The answer to one effect. Only an effect can make one, and a machine takes it once. */
export interface Answer {
  readonly [answer]: never;
}

export type Input = Want | Adopt | Refused | SignOut | Look | Forget | Changed | Tick | Answer;

/** A failure of the store or its folder, as the host saw it. */
export interface StoreFault {
  kind: 'denied' | 'locked' | 'not_a_file' | 'too_large' | 'read_only' | 'no_space' | 'pinned' | 'no_locks' | 'other';
  detail: string;
}

/** One write at one offset. */
export interface Write {
  readonly offset: number;
  /** What is written: a copy, with secrets in it. */
  data(): Buffer;
}

/** Writes to the journal, in order. */
export interface JournalWrites {
  /** Whether what is there now is moved aside first. */
  setAside: boolean;
  /** The size the file has before the first write, filled with zeros up to here. */
  reserve: number;
  writes: Write[];
}

/** What the machine asks for is done once. Its members can be read until it is answered. */
interface Op<Kind extends string> {
  readonly kind: Kind;
}

/** Reads ranges of the journal first, then the store, then the parked grants. */
export interface Load extends Op<'load'> {
  /** The byte ranges of the journal to read, each from its first byte to the one behind its last. */
  readonly journal: [start: number, end: number][];
  readonly store: boolean;
  readonly parked: boolean;
  /** Says what was read: the bytes of each range, the store's content, and the parked grants, oldest first. */
  answer(found?: {
    journal?: Uint8Array[] | StoreFault;
    store?: Uint8Array | StoreFault | null;
    parked?: { name: string; data: Uint8Array }[];
  }): Answer;
}

/** Tries to take the lock, and never waits for it. */
export interface TryLock extends Op<'try_lock'> {
  /** Says whether the lock is ours: nothing, `busy`, or why it cannot be taken at all. */
  answer(fault?: 'busy' | StoreFault): Answer;
}

/** Proves that the store can be replaced, then writes to the journal and syncs it. */
export interface Prepare extends Op<'prepare'> {
  readonly journal: JournalWrites;
  /** The bytes the replaced store will need, at most. */
  readonly room: number;
  answer(fault?: StoreFault): Answer;
}

/** Writes the frame, syncs, then writes the mark. */
export interface Stage extends Op<'stage'> {
  /** The server's answer. */
  readonly frame: Write;
  /** The state that names it. */
  readonly mark: Write;
  answer(fault?: StoreFault): Answer;
}

/** Replaces the store in one piece, if it still is what the machine has read. */
export interface Commit extends Op<'commit'> {
  /** The first 16 bytes of the SHA-256 of the store's content as it was read; `null` if there was none. */
  readonly base: Buffer | null;
  /** The new content, with secrets in it; `null` removes the store. */
  data(): Buffer | null;
  /** Says whether the store was replaced: nothing, `moved` if it is not what was read, or why not. */
  answer(fault?: 'moved' | StoreFault): Answer;
}

/** Writes to the journal without syncing, then removes parked grants. */
export interface Note extends Op<'note'> {
  readonly journal: JournalWrites;
  /** The parked grants that are done with. */
  readonly unpark: string[];
  answer(fault?: StoreFault): Answer;
}

/** Writes a grant to a new file beside the store and syncs it. */
export interface Park extends Op<'park'> {
  /** The grant, with secrets in it. */
  data(): Buffer;
  /** Gives the name under which the grant waits, or says why it does not. */
  answer(outcome: string | StoreFault): Answer;
}

/** Gives the lock back. */
export interface Unlock extends Op<'unlock'> {
  answer(): Answer;
}

export type StoreOp = Load | TryLock | Prepare | Stage | Commit | Note | Park | Unlock;

/** One POST to the token endpoint: sent once, over a fresh connection, without redirects and without a resend. */
export interface Request {
  /** An https URL, or an http one on loopback. */
  readonly url: string;
  /** Lower-case names; values may hold a client secret. */
  headers(): Record<string, string>;
  /** The form, with the refresh token in it. */
  body(): Buffer;
  /** The time for all of it, answer included. */
  readonly timeout: number;
  /** The time for name look-up, connection and handshake. */
  readonly connectTimeout: number;
}

/** What the server, or something in front of it, answered. Not parsed by the host. */
export interface Response {
  status: number;
  headers?: Iterable<[string, string]> | Record<string, string>;
  body?: Uint8Array | string;
}

/** No byte of the request left after the handshake: the refresh token is certainly unspent. */
export interface NotSent {
  /** What happened, without a secret. */
  notSent: string;
  /** It will not help to wait: a person has to look at the network. */
  blocked?: boolean;
  /** It is a setting of this process that cannot be used. */
  setting?: string;
}

/** The request, or part of it, may have arrived: the refresh token may be spent. */
export interface MaybeSent {
  /** What happened, without a secret. */
  maybeSent: string;
}

/** Sends one request, once. */
export interface Fetch {
  readonly kind: 'fetch';
  readonly request: Request;
  /**
   * Sends the request by `fetch`, or one like it (Electron's `net.fetch`), and resolves to the answer. What is not known
   * to have stayed here counts as {@link MaybeSent}.
   */
  send(fetch?: typeof globalThis.fetch): Promise<Answer>;
  /** Brings the answer where the host speaks HTTP by itself. */
  answer(outcome: Response | NotSent | MaybeSent): Answer;
}

/** Hands a caller its result. Wants no answer. */
export interface Deliver {
  kind: 'deliver';
  waiter: number;
  /** `null` for a call that wants none, and for one that failed. */
  token: AccessToken | null;
  error: TokenError | null;
}

/** Tells what happened. Wants no answer. */
export interface Emit {
  kind: 'emit';
  event: Event;
}

export type Effect = StoreOp | Fetch | Deliver | Emit;

export interface Step {
  /** To be carried out in this order. */
  effects: Effect[];
  /** The time after which a {@link Tick} is due, if nothing else comes first: `setTimeout` takes it. `null`: never. */
  wakeIn: number | null;
}

/** The token that may be handed out without asking the machine. */
export interface Current {
  token: AccessToken;
  /** While both clocks are before this moment the token is fresh. `null` if the server did not say when it ends. */
  earlyAt: Now | null;
  /** While both clocks are before this moment the token may be handed out. */
  endsAt: Now | null;
}

/** Decides when and how a credential is refreshed: takes one input at a time and says what is to be done. */
export class Machine {
  /**
   * `seed` makes the jitter and differs from process to process; `holder` is shown to others. Both have good defaults.
   * @throws TypeError for a setting that cannot be used; it names the setting.
   */
  constructor(settings: Settings & { token_url: string; client_id: string }, options?: { seed?: number; holder?: Holder });
  /** Never blocks, and never reads a clock. */
  step(now: Now, input: Input): Step;
  current(): Current | null;
  /** Whether a refresh token is on its way, so that the process should not end. */
  mustStay(): boolean;
  /** As of the last read. */
  status(): Status;
}

/** A credential in a file, with its lock and its journal beside it. */
export class FileStore {
  /** `format` names the tool whose store it is: its locks are taken too. `trustLock` trusts locks that other machines share. */
  constructor(path: string, options?: { trustLock?: boolean; format?: NonNullable<Settings['format']> });
  /** Carries out one operation and returns its answer, to be fed to the machine that asked for it. */
  perform(op: StoreOp): Answer;
  /** The same on a thread of Node's pool: a disk that syncs takes milliseconds. */
  performAsync(op: StoreOp): Promise<Answer>;
  /** Where the store lies now, links followed. */
  resolved(): string;
}

/** What an answer of a token endpoint means. */
export interface Answered {
  class: 'success' | 'pending' | 'terminal_reauth' | 'terminal_config' | 'transient' | 'malformed_success';
  /** The short stable id of the row that decided. */
  row: string;
  /** All of a success; else at most a new refresh token. */
  grant: Grant | null;
  /** What callers are told; `null` for a success. */
  error: TokenError | null;
  /** The time the server asks to wait, as it said it. */
  retryAfter: number | null;
}

/**
 * Reads one answer of a token endpoint, received at `now`: for a sign-in of your own, a log, a test. Never fails: what
 * cannot be understood is an answer too.
 */
export function readAnswer(response: Response, now: Date | number): Answered;
