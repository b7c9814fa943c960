'use strict';
// A fetch with a token: a refused token is reported, and the request repeated once with a newer one, never elsewhere.

/** Repeats only what can be sent twice: a stream is gone after the first time. */
const canRepeat = (body) =>
  body == null || typeof body === 'string' || body instanceof URLSearchParams || body instanceof ArrayBuffer || ArrayBuffer.isView(body) ||
  body instanceof Blob || body instanceof FormData;

async function authorized(source, fetch, input, init = {}) {
  const first = await source.getToken({ signal: init.signal ?? undefined });
  const isRequest = typeof Request !== 'undefined' && input instanceof Request;
  const url = new URL(isRequest ? input.url : String(input));
  const body = init.body ?? (isRequest ? input.body : null);

  const response = await send(fetch, input, init, first);
  if (response.status !== 401 || !isSame(url, response) || !isRefusal(response)) return response;
  source.reportRefused(first);
  if (!canRepeat(body)) return response;

  const next = await source.getToken({ signal: init.signal ?? undefined }).catch(() => first);
  // A refusal of a token that is still the current one is about something else.
  if (next === first || next.fingerprint === first.fingerprint) return response;
  await response.body?.cancel();
  return send(fetch, input, init, next);
}

/** `insufficient_scope` is no reason for a new token, whatever the status (RFC 6750 section 3.1). */
const isRefusal = (response) => !/error="?insufficient_scope/i.test(response.headers.get('www-authenticate') ?? '');

/** Whether the answer comes from where the request was sent: the token went nowhere else, and goes nowhere else. */
const isSame = (url, response) => !response.url || new URL(response.url).origin === url.origin;

function send(fetch, input, init, token) {
  const headers = new Headers(init.headers ?? (typeof Request !== 'undefined' && input instanceof Request ? input.headers : undefined));
  headers.set('authorization', token.authorization());
  // The standard drops this header when a redirect leaves the origin.
  return fetch(input, { ...init, headers });
}

module.exports = { authorized };
