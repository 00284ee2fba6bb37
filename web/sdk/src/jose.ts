// SPDX-License-Identifier: Apache-2.0
// JOSE as far as requests need it, with WebCrypto: ES256, ECDH-ES+A256KW on P-256, A256GCM (docs/internals/jose.md).
// The same documents as src/proxy/{jws,jose,key_set}.cpp makes and opens.
import { fromBase64url, textFromBase64url, textToBase64url, toBase64url, utf8 } from './base64url';
import { parseOnce } from './json_once';

export const SIGNED_TYPE = 'vnd.restante.proxy+jws';
export const SEALED_TYPE = 'vnd.restante.sealed+json';
export const KEY_SET_TYPE = 'vnd.restante.keys+jws';
const SHORT_KID = 11;
const KEY_AGREEMENT = 'ECDH-ES+A256KW';
const ENCRYPTION = 'A256GCM';

/** Why a document was not taken: one of contract/reasons.yaml. */
export class Refused extends Error {
  readonly reason: 'seal-refused' | 'bad-signature' | 'not-for-me' | 'expired' | 'unknown-device';
  constructor(reason: Refused['reason'], message: string) {
    super(message);
    this.reason = reason;
  }
}

/** The public half of a P-256 key (RFC 7517). */
export interface PublicJwk {
  kty: 'EC';
  crv: 'P-256';
  x: string;
  y: string;
}

/** A key that signs; its private half may be out of everybody's reach. */
export interface SigningKey {
  jwk: PublicJwk;
  /** RFC 7638 thumbprint of `jwk`. */
  jkt: string;
  /** Raw r||s, 64 bytes (RFC 7518 §3.4). */
  sign(data: Uint8Array<ArrayBuffer>): Promise<Uint8Array>;
}

export interface KeySet {
  /** Thumbprint of the place's identity key. */
  place: string;
  /** Seconds since 1970: a set never gives way to an older one. */
  issued: number;
  /** Newest first: that one is sealed for. */
  keys: PublicJwk[];
}

type Members = Record<string, unknown>;

/** Only the four members that make the key; throws for anything but a public P-256 key. */
export function publicJwk(value: unknown): PublicJwk {
  const { kty, crv, x, y, d } = (value ?? {}) as Members;
  if (kty !== 'EC' || crv !== 'P-256' || typeof x !== 'string' || typeof y !== 'string' || d !== undefined)
    throw new Refused('seal-refused', 'not a public P-256 key');
  if (decoded(x).length !== 32 || decoded(y).length !== 32)
    throw new Refused('seal-refused', 'not a public P-256 key');
  return { kty, crv, x, y };
}

/** RFC 7638, SHA-256. */
export async function thumbprint(jwk: PublicJwk): Promise<string> {
  const text = `{"crv":"P-256","kty":"EC","x":"${jwk.x}","y":"${jwk.y}"}`;
  return toBase64url(new Uint8Array(await crypto.subtle.digest('SHA-256', utf8(text))));
}

async function signed(key: SigningKey, header: Members, payload: string): Promise<string> {
  const input = `${textToBase64url(JSON.stringify(header))}.${textToBase64url(payload)}`;
  return `${input}.${toBase64url(await key.sign(utf8(input)))}`;
}

/** Compact JWS (RFC 7515) with ES256. */
export async function signCompact(key: SigningKey, payload: string, typ: string): Promise<string> {
  return signed(key, { alg: 'ES256', kid: key.jkt, typ }, payload);
}

/** Over exactly these bytes of a request. */
export async function signDocument(key: SigningKey, core: string): Promise<string> {
  return signCompact(key, core, SIGNED_TYPE);
}

/** What stands in a signed text whose header is taken; nothing is proven yet. */
interface SignedParts {
  input: string;
  kid: string;
  introduced?: PublicJwk;
  payload: Uint8Array<ArrayBuffer>;
  signature: Uint8Array<ArrayBuffer>;
}

function members(text: string, known: string[]): Members {
  let value: unknown;
  try {
    value = parseOnce(textFromBase64url(text));
  } catch {
    throw new Refused('seal-refused', 'a header is not JSON with each name once, in base64url');
  }
  return onlyKnown(value, known);
}

function onlyKnown(value: unknown, known: string[]): Members {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new Refused('seal-refused', 'a header is not an object');
  for (const name of Object.keys(value))
    if (!known.includes(name)) throw new Refused('seal-refused', 'a header has a member that is not taken');
  return value as Members;
}

function decoded(text: unknown): Uint8Array<ArrayBuffer> {
  try {
    return fromBase64url(text as string);
  } catch {
    throw new Refused('seal-refused', 'a part is not base64url without padding');
  }
}

async function readSigned(jws: string, typ: string): Promise<SignedParts> {
  const [header, payload, signature, ...more] = jws.split('.');
  if (header === undefined || payload === undefined || signature === undefined || more.length)
    throw new Refused('seal-refused', 'not a signed text');
  const said = members(header, ['alg', 'kid', 'typ', 'jwk']);
  if (said.alg !== 'ES256') throw new Refused('seal-refused', 'not signed with ES256');
  if (said.typ !== typ) throw new Refused('seal-refused', 'of another type');
  if (typeof said.kid !== 'string') throw new Refused('seal-refused', 'kid is missing');
  const parts: SignedParts = {
    input: `${header}.${payload}`,
    kid: said.kid,
    payload: decoded(payload),
    signature: decoded(signature),
  };
  if (said.jwk === undefined) return parts;
  const introduced = publicJwk(said.jwk);
  if ((await thumbprint(introduced)) !== said.kid)
    throw new Refused('seal-refused', 'jwk is not the key of kid');
  return { ...parts, introduced };
}

async function verified(parts: SignedParts, by: PublicJwk): Promise<string> {
  if (parts.signature.length !== 64) throw new Refused('bad-signature', 'the signature is wrong');
  let good = false;
  try {
    const key = await crypto.subtle.importKey('jwk', by, { name: 'ECDSA', namedCurve: 'P-256' }, false, [
      'verify',
    ]);
    good = await crypto.subtle.verify(
      { name: 'ECDSA', hash: 'SHA-256' },
      key,
      parts.signature,
      utf8(parts.input),
    );
  } catch {
    throw new Refused('bad-signature', 'the key is not a point on the curve');
  }
  if (!good) throw new Refused('bad-signature', 'the signature is wrong');
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(parts.payload);
  } catch {
    throw new Refused('seal-refused', 'what is signed is not UTF-8');
  }
}

/** The payload. Error: Refused. */
export async function verifyCompact(jws: string, by: PublicJwk, typ: string): Promise<string> {
  const parts = await readSigned(jws, typ);
  if (parts.kid !== (await thumbprint(by))) throw new Refused('unknown-device', 'signed by another key');
  return verified(parts, by);
}

/** The keys of a place that is known by the thumbprint of its identity key. Error: Refused. */
export async function verifyKeySet(jws: string, pinned: string): Promise<KeySet> {
  const parts = await readSigned(jws, KEY_SET_TYPE);
  if (parts.kid !== pinned || !parts.introduced)
    throw new Refused('bad-signature', 'signed by another place');
  const { iss, iat, keys } = parseOnce(await verified(parts, parts.introduced)) as Members;
  if (iss !== pinned || !Number.isSafeInteger(iat) || !Array.isArray(keys) || !keys.length)
    throw new Refused('bad-signature', 'not the keys of this place');
  return { place: pinned, issued: iat as number, keys: keys.map(publicJwk) };
}

/** Whether `kid` (a thumbprint, or at least its first 11 characters) names this key. */
export function namesKey(kid: string, jkt: string): boolean {
  return kid.length >= SHORT_KID && jkt.startsWith(kid);
}

function ecdh(jwk: PublicJwk): Promise<CryptoKey> {
  return crypto.subtle.importKey('jwk', jwk, { name: 'ECDH', namedCurve: 'P-256' }, false, []);
}

/** Concat KDF, one round (RFC 7518 §4.6.2): WebCrypto has none of its own. */
async function wrappingKey(
  theirs: CryptoKey,
  ours: CryptoKey,
  apu: Uint8Array<ArrayBuffer>,
  apv: Uint8Array<ArrayBuffer>,
  usage: 'wrapKey' | 'unwrapKey',
): Promise<CryptoKey> {
  const agreed = new Uint8Array(await crypto.subtle.deriveBits({ name: 'ECDH', public: theirs }, ours, 256));
  const pieces = [utf8(KEY_AGREEMENT), apu, apv].flatMap((part) => [be32(part.length), part]);
  const input = new Uint8Array(await new Blob([be32(1), agreed, ...pieces, be32(256)]).arrayBuffer());
  const raw = await crypto.subtle.digest('SHA-256', input);
  agreed.fill(0);
  input.fill(0);
  const key = await crypto.subtle.importKey('raw', raw, 'AES-KW', false, [usage]);
  new Uint8Array(raw).fill(0);
  return key;
}

function be32(number: number): Uint8Array<ArrayBuffer> {
  const out = new Uint8Array(4);
  new DataView(out.buffer).setUint32(0, number);
  return out;
}

const NOTHING = new Uint8Array(0);

/**
 * Seals a signed document for one recipient. The compact form leaves out of its header what is said inside anyway, and
 * shortens `kid`: a request for one URL has to fit a QR code.
 */
export async function sealFor(
  recipient: PublicJwk,
  document: string,
  exp: number,
  form: 'compact' | 'json',
): Promise<string> {
  const ephemeral = await crypto.subtle.generateKey({ name: 'ECDH', namedCurve: 'P-256' }, true, [
    'deriveBits',
  ]);
  const { x, y } = (await crypto.subtle.exportKey('jwk', ephemeral.publicKey)) as { x: string; y: string };
  const wrapping = await wrappingKey(
    await ecdh(recipient),
    ephemeral.privateKey,
    NOTHING,
    NOTHING,
    'wrapKey',
  );
  const content = await crypto.subtle.generateKey({ name: 'AES-GCM', length: 256 }, true, ['encrypt']);
  const wrapped = new Uint8Array(await crypto.subtle.wrapKey('raw', content, wrapping, 'AES-KW'));
  const kid = await thumbprint(recipient);
  const epk = { kty: 'EC', crv: 'P-256', x, y };
  const header =
    form === 'compact'
      ? { alg: KEY_AGREEMENT, enc: ENCRYPTION, kid: kid.slice(0, SHORT_KID), epk }
      : { alg: KEY_AGREEMENT, enc: ENCRYPTION, typ: SEALED_TYPE, cty: SIGNED_TYPE, kid, epk, exp };
  const bound = textToBase64url(JSON.stringify(header));
  const nonce = crypto.getRandomValues(new Uint8Array(12));
  const sealed = new Uint8Array(
    await crypto.subtle.encrypt(
      { name: 'AES-GCM', iv: nonce, additionalData: utf8(bound) },
      content,
      utf8(document),
    ),
  );
  const text = toBase64url(sealed.subarray(0, -16));
  const tag = toBase64url(sealed.subarray(-16));
  if (form === 'compact') return [bound, toBase64url(wrapped), toBase64url(nonce), text, tag].join('.');
  return JSON.stringify({
    protected: bound,
    encrypted_key: toBase64url(wrapped),
    iv: toBase64url(nonce),
    ciphertext: text,
    tag,
  });
}

const HEADER_MEMBERS = ['alg', 'enc', 'kid', 'typ', 'cty', 'apu', 'apv', 'epk', 'exp'];

interface SealedParts {
  head: Members;
  bound: string;
  wrapped: Uint8Array<ArrayBuffer>;
  nonce: Uint8Array<ArrayBuffer>;
  text: Uint8Array<ArrayBuffer>;
  tag: Uint8Array<ArrayBuffer>;
}

/** The members that the headers have together (RFC 7516 §7.2.1), each once. */
function merged(headers: Members[]): Members {
  const out: Members = {};
  for (const header of headers)
    for (const [name, value] of Object.entries(header)) {
      if (name in out) throw new Refused('seal-refused', `${name} stands twice in the headers`);
      out[name] = value;
    }
  return out;
}

function readSealed(document: string): SealedParts {
  let bound: unknown, wrapped: unknown, nonce: unknown, text: unknown, tag: unknown;
  let open: Members[] = [];
  if (document.startsWith('{')) {
    let whole: Members;
    try {
      whole = parseOnce(document) as Members;
    } catch {
      throw new Refused('seal-refused', 'not JSON with each name once');
    }
    let own = whole;
    if (whole.recipients !== undefined) {
      const all = whole.recipients;
      if (!Array.isArray(all) || all.length !== 1 || 'header' in whole || 'encrypted_key' in whole)
        throw new Refused('seal-refused', 'not sealed for exactly one recipient');
      own = (all[0] ?? {}) as Members;
    }
    if ('aad' in whole) throw new Refused('seal-refused', 'aad is not taken');
    open = [whole.unprotected, own.header]
      .filter((one) => one !== undefined)
      .map((one) => onlyKnown(one, HEADER_MEMBERS));
    [bound, wrapped, nonce, text, tag] = [
      whole.protected,
      own.encrypted_key,
      whole.iv,
      whole.ciphertext,
      whole.tag,
    ];
  } else {
    const parts = document.split('.');
    if (parts.length !== 5) throw new Refused('seal-refused', 'not a sealed document');
    [bound, wrapped, nonce, text, tag] = parts;
  }
  if (typeof bound !== 'string') throw new Refused('seal-refused', 'the protected header is missing');
  return {
    head: merged([members(bound, HEADER_MEMBERS), ...open]),
    bound,
    wrapped: decoded(wrapped),
    nonce: decoded(nonce),
    text: decoded(text),
    tag: decoded(tag),
  };
}

/** Opens with the private half of `ours`: what was sealed, a signed document. Error: Refused. */
export async function openSealed(
  document: string,
  ours: { jwk: PublicJwk; privateKey: CryptoKey },
  now: number,
): Promise<string> {
  const { head, bound, wrapped, nonce, text, tag } = readSealed(document);
  if (head.alg !== KEY_AGREEMENT || head.enc !== ENCRYPTION)
    throw new Refused('seal-refused', 'another way of sealing');
  if ((head.typ ?? SEALED_TYPE) !== SEALED_TYPE || (head.cty ?? SIGNED_TYPE) !== SIGNED_TYPE)
    throw new Refused('seal-refused', 'of another type');
  if (typeof head.kid !== 'string') throw new Refused('seal-refused', 'kid is missing');
  if (!namesKey(head.kid, await thumbprint(ours.jwk)))
    throw new Refused('not-for-me', 'sealed for another key');
  if (head.exp !== undefined && !Number.isSafeInteger(head.exp))
    throw new Refused('seal-refused', 'exp is no time');
  if (head.exp !== undefined && (head.exp as number) <= now) throw new Refused('expired', 'its time is over');
  const epk = publicJwk(head.epk);
  if (wrapped.length !== 40 || nonce.length !== 12 || tag.length !== 16)
    throw new Refused('seal-refused', 'a part has another length than it has to have');
  const parties = [head.apu, head.apv].map((one) => (one === undefined ? NOTHING : decoded(one)));
  let theirs: CryptoKey;
  try {
    theirs = await ecdh(epk);
  } catch {
    throw new Refused('seal-refused', 'epk is not a point on the curve');
  }
  try {
    const wrapping = await wrappingKey(theirs, ours.privateKey, parties[0]!, parties[1]!, 'unwrapKey');
    const content = await crypto.subtle.unwrapKey('raw', wrapped, wrapping, 'AES-KW', 'AES-GCM', false, [
      'decrypt',
    ]);
    const sealed = await new Blob([text, tag]).arrayBuffer();
    const plain = await crypto.subtle.decrypt(
      { name: 'AES-GCM', iv: nonce, additionalData: utf8(bound) },
      content,
      sealed,
    );
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(plain);
  } catch {
    throw new Refused('bad-signature', 'its seal is broken');
  }
}
