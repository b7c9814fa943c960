'use strict';
// Sends the machine's request by a `fetch`, and says what became of it.

const { MAX_BODY } = require('./native.cjs');

/** No connection was made. */
const NOT_SENT = new Set(['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'EAI_NODATA', 'ENETUNREACH', 'EHOSTUNREACH', 'EADDRNOTAVAIL', 'UND_ERR_CONNECT_TIMEOUT']);
/** A connection was made, and nobody vouches for who answered. Nothing was sent over it. */
const BLOCKED = new Set([
  'CERT_HAS_EXPIRED', 'CERT_NOT_YET_VALID', 'DEPTH_ZERO_SELF_SIGNED_CERT', 'ERR_TLS_CERT_ALTNAME_INVALID', 'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_GET_ISSUER_CERT', 'UNABLE_TO_GET_ISSUER_CERT_LOCALLY', 'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
]);

/** Returns what a fetch effect is answered with. Never rejects. */
async function send(request, fetch) {
  try {
    const response = await fetch(request.url, {
      method: 'POST',
      // A connection of its own: one that is reused may end before the request arrives.
      headers: { ...request.headers(), connection: 'close' },
      body: request.body(),
      redirect: 'manual',
      signal: AbortSignal.timeout(request.timeout),
    });
    return { status: response.status, headers: response.headers, body: await read(response.body) };
  } catch (error) {
    const cause = error?.cause ?? error;
    const detail = `${cause?.code ?? cause?.name ?? 'the request failed'}`;
    if (BLOCKED.has(cause?.code)) return { notSent: detail, blocked: true };
    // Anything else may have arrived: the refresh token may be spent.
    return NOT_SENT.has(cause?.code) ? { notSent: detail } : { maybeSent: detail };
  }
}

/** Reads as much as an answer of a token endpoint may have. */
async function read(body) {
  const chunks = [];
  let length = 0;
  for await (const chunk of body ?? []) {
    chunks.push(chunk);
    length += chunk.length;
    if (length >= MAX_BODY) break;
  }
  return Buffer.concat(chunks).subarray(0, MAX_BODY);
}

module.exports = { send };
