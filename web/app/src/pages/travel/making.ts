// SPDX-License-Identifier: Apache-2.0
// Making requests in the browser itself, and connecting the browser's key (docs/internals/web-app.md).
import { Problem } from '@restante/sdk';
import { deviceKey, forgetDeviceKey, hasDeviceKey } from '@restante/sdk/device-key';
import { textFromBase64url } from '@restante/sdk/base64url';
import { sealFor, signCompact, signDocument, verifyKeySet } from '@restante/sdk/jose';
import { api, done } from '../../lib/place';
import type { Pinned } from './asking';
import { forgetAll, places, waiting, type KeptPlace, type Waiting } from './kept';

const TAKEN_FOR_S = 90 * 24 * 3600;
const COMPACT = 'application/jose';

/** What a person asks for without a place at hand. */
export interface Wish {
  url: string;
  name: string;
  folder: string;
  /** "2026-12-01T02:00", on the place's clocks; empty: at once. */
  start: string;
}

/** http(s) only, without a password in it; undefined: it is no such address. */
export function address(text: string): URL | undefined {
  const trimmed = text.trim();
  const url = URL.parse?.(trimmed) ?? tryUrl(trimmed);
  if (!url || !/^https?:$/.test(url.protocol) || url.username || url.password) return undefined;
  return url;
}

function tryUrl(text: string): URL | null {
  try {
    return new URL(text);
  } catch {
    return null;
  }
}

/** The offset of a zone's clocks from UTC at that moment, "+01:00". */
function offset(zone: string, at: Date): string {
  const parts = new Intl.DateTimeFormat('en', { timeZone: zone, timeZoneName: 'longOffset' }).formatToParts(
    at,
  );
  const told = parts.find((part) => part.type === 'timeZoneName')?.value.slice(3) ?? '';
  return told || '+00:00';
}

/** RFC 9557: what the clocks of the zone show. The zone's name decides where the offset is of another season. */
function onTheClocks(start: string, zone: string): string {
  return `${start}:00${offset(zone, new Date(start + ':00Z'))}[${zone}]`;
}

function core(place: KeptPlace, wish: Wish, id: string, now: number): string {
  const name = wish.name.trim();
  const folder = wish.folder.trim();
  return JSON.stringify({
    v: 1,
    id,
    aud: [{ jkt: place.jkt }],
    iat: now,
    exp: now + TAKEN_FOR_S,
    what: {
      files: [
        {
          ...(name ? { name } : {}),
          ...(folder ? { path: folder } : {}),
          sources: [{ url: wish.url }],
        },
      ],
    },
    ...(wish.start ? { when: { tz: place.tz, start: onTheClocks(wish.start, place.tz) } } : {}),
  });
}

/** Signed by this browser's key and sealed for the place; no network. Error: Refused, where the kept keys are not the place's. */
export async function make(place: KeptPlace, wish: Wish): Promise<Waiting> {
  const now = Math.floor(Date.now() / 1000);
  const id = crypto.randomUUID();
  const keys = await verifyKeySet(place.keys, place.jkt);
  const signed = await signDocument(await deviceKey(), core(place, wish, id, now));
  const sealed = await sealFor(keys.keys[0]!, signed, now + TAKEN_FOR_S, 'compact');
  const shown = new URL(wish.url);
  return { id, label: wish.name.trim() || shown.host + shown.pathname, place: place.url, sealed, made: now };
}

/** The way back from another place: what it says of itself, checked against the address that was pasted. Error: Error, Refused. */
export async function takePlace(fragment: string, pinned: Pinned): Promise<KeptPlace> {
  const said = JSON.parse(textFromBase64url(fragment)) as Record<string, unknown>;
  const text = (name: string): string => (typeof said[name] === 'string' ? (said[name] as string) : '');
  if (text('jkt') !== pinned.jkt || text('url') !== pinned.origin || pinned.origin === location.origin)
    throw new Error('another place answered');
  await verifyKeySet(text('keys'), pinned.jkt);
  const place: KeptPlace = {
    url: text('url'),
    name: text('name'),
    jkt: pinned.jkt,
    tz: text('tz') || 'UTC',
    account: text('account'),
    keys: text('keys'),
  };
  await places.keep(place);
  return place;
}

/** What became of a document that was handed to this page's own place. */
export interface HandedOver {
  status: 'accepted' | 'replayed';
  id: string;
}

/** Error: Problem; with status 0 the place was not reached. */
export async function handOver(sealed: string): Promise<HandedOver> {
  let response: Response;
  try {
    response = await fetch('/v1/proxies', {
      method: 'POST',
      headers: { 'Content-Type': COMPACT },
      body: sealed,
      credentials: 'omit',
      cache: 'no-store',
    });
  } catch {
    throw new Problem({}, 0);
  }
  const said = (await response.json().catch(() => ({}))) as object;
  if (!response.ok) throw new Problem(said, response.status);
  return said as HandedOver;
}

/** Hands over what waits for this place; what the place refuses for good stays, with the reason. Returns how many went. */
export async function handOverAll(): Promise<number> {
  let went = 0;
  for (const one of await waiting.all()) {
    if (one.place !== location.origin || one.refused) continue;
    try {
      await handOver(one.sealed);
    } catch (problem) {
      if (!(problem instanceof Problem) || problem.status === 0) return went;
      const later = problem.status >= 500 || problem.status === 429;
      if (!later) await waiting.keep({ ...one, refused: problem.reason });
      continue;
    }
    await waiting.forget(one.id);
    went += 1;
  }
  return went;
}

/** The place's newer keys, if it has any; never older ones. What goes wrong leaves those that are known. */
export async function followKeys(place: KeptPlace): Promise<void> {
  try {
    const { keys } = await done(api.GET('/v1/place'));
    if (!keys || keys === place.keys) return;
    const [fresh, known] = await Promise.all([
      verifyKeySet(keys, place.jkt),
      verifyKeySet(place.keys, place.jkt),
    ]);
    if (fresh.issued >= known.issued) await places.keep({ ...place, keys });
  } catch {
    return;
  }
}

/** Another person signed in: nothing of the one before may be used or seen. */
export async function beginAnew(): Promise<void> {
  await forgetDeviceKey();
  await forgetAll();
}

/** Whether this browser can make requests for this place. */
export async function connected(): Promise<boolean> {
  return (await places.all()).some((one) => one.url === location.origin) && (await hasDeviceKey());
}

/** Connects the browser's own key to whoever is signed in, and keeps the place's keys. Error: Problem, Error. */
export async function connect(): Promise<void> {
  const place = await done(api.GET('/v1/place'));
  const { csrf, account } = await done(api.GET('/v1/session'));
  if (!place.keys || !csrf) throw new Problem({ reason: 'cap-denied' }, 422);
  await verifyKeySet(place.keys, place.jkt);
  try {
    await introduce(csrf, place.jkt);
  } catch (problem) {
    // The key is somebody else's who used this browser before: another one.
    if (!(problem instanceof Problem) || problem.reason !== 'conflict') throw problem;
    await forgetDeviceKey();
    await introduce(csrf, place.jkt);
  }
  await places.keep({
    url: location.origin,
    name: place.name,
    jkt: place.jkt,
    tz: place.tz,
    account: account.name,
    keys: place.keys,
  });
}

async function introduce(csrf: string, jkt: string): Promise<void> {
  const key = await deviceKey();
  const proof = await signCompact(key, JSON.stringify({ code: csrf, jkt }), 'restante-enrol+jws');
  await done(
    api.POST('/v1/session:key', { body: { jwk: key.jwk as unknown as Record<string, never>, proof } }),
  );
}
