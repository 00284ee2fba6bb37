// SPDX-License-Identifier: Apache-2.0

/** RFC 4648 §5 without padding. */
export function toBase64url(bytes: Uint8Array): string {
  let text = '';
  for (let i = 0; i < bytes.length; i += 0x8000)
    text += String.fromCharCode(...bytes.subarray(i, i + 0x8000));
  return btoa(text).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
}

/** Exactly what `toBase64url` makes: no padding, no white space, no bits left over. Error: Error. */
export function fromBase64url(text: string): Uint8Array<ArrayBuffer> {
  if (!/^[A-Za-z0-9_-]*$/.test(text)) throw new Error('not base64url');
  let decoded: string;
  try {
    decoded = atob(text.replaceAll('-', '+').replaceAll('_', '/'));
  } catch {
    throw new Error('not base64url');
  }
  const bytes = Uint8Array.from(decoded, (character) => character.charCodeAt(0));
  if (toBase64url(bytes) !== text) throw new Error('not base64url');
  return bytes;
}

export function utf8(text: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(text);
}

/** Base64url of a text in UTF-8. */
export function textToBase64url(text: string): string {
  return toBase64url(utf8(text));
}
/** Error: Error, also when it is not UTF-8. */
export function textFromBase64url(text: string): string {
  return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(fromBase64url(text));
}
