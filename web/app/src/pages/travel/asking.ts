// SPDX-License-Identifier: Apache-2.0
// One place's app asks another place to take this browser's requests. Pages of two places cannot call each other, so the browser
// goes there and back: nothing but public halves and one-time codes travels, behind the # of the addresses.
import { deviceKey } from '@restante/sdk/device-key';
import { signCompact } from '@restante/sdk/jose';
import { textToBase64url } from '@restante/sdk/base64url';

const PINNED = 'restante-pinned';

/** "https://HOST/pair#k=..&c=.." in its parts; undefined: it is no such address. */
export function connecting(text: string): { origin: string; jkt: string; code: string } | undefined {
  const match = /^(https?:\/\/[^/?#@\s]+)\/pair#(\S+)$/.exec(text.trim());
  if (!match) return undefined;
  const parts = new URLSearchParams(match[2]);
  const jkt = parts.get('k') ?? '';
  const code = parts.get('c') ?? '';
  const here = /^http:\/\/(127\.[\d.]+|localhost|\[::1\])(:\d+)?$/.test(match[1]!);
  if (
    !/^[\w-]{43}$/.test(jkt) ||
    !/^[\w-]{10,256}$/.test(code) ||
    (match[1]!.startsWith('http:') && !here) ||
    match[1] === location.origin
  )
    return undefined;
  return { origin: match[1]!, jkt, code };
}

/** Where to go for it; what is expected back is kept for this tab. */
export async function askAt(
  place: { origin: string; jkt: string; code: string },
  name: string,
): Promise<string> {
  const key = await deviceKey();
  const proof = await signCompact(
    key,
    JSON.stringify({ code: place.code, jkt: place.jkt }),
    'restante-enrol+jws',
  );
  sessionStorage.setItem(PINNED, JSON.stringify({ origin: place.origin, jkt: place.jkt }));
  const parts = new URLSearchParams({
    k: place.jkt,
    c: place.code,
    jwk: textToBase64url(JSON.stringify(key.jwk)),
    proof,
    name: textToBase64url(name),
    back: textToBase64url(location.origin + '/travel'),
  });
  return `${place.origin}/pair#${parts}`;
}

/** Who was asked: nobody else may answer. */
export interface Pinned {
  origin: string;
  jkt: string;
}

/** Once; undefined: nobody was asked. */
export function pinned(): Pinned | undefined {
  const kept = sessionStorage.getItem(PINNED);
  sessionStorage.removeItem(PINNED);
  return kept ? (JSON.parse(kept) as Pinned) : undefined;
}
