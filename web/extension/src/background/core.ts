// SPDX-License-Identifier: Apache-2.0
// A captured request and a wish, as the document that a place understands (contract/proxy.schema.json).
import { nextAt, told } from '@restante/sdk/times';
import type { ConnectedPlace, Settings, Trip, Wish } from '../common/model';
import type { Captured, Secrets } from './captured';

const DAY_MS = 86_400_000;
/** How long it may be under way: to a place that cannot be reached, in the outbox. */
const TAKEN_FOR_S = 90 * 24 * 3600;
/** As src/request/trips.cpp: what is sent long before a trip is kept until some days after it. */
const USUAL_KEEP_DAYS = 30;
const SPARE_DAYS = 7;

/** The trip under way, else the next one. */
export function tripAt(trips: Trip[], now: number): Trip | undefined {
  const left = trips.filter((trip) => trip.until > now).sort((a, b) => a.from - b.from);
  return left.filter((trip) => trip.from <= now).at(-1) ?? left[0];
}

/** Which place a wish means; undefined: none that is connected. */
export function placeOf(
  wish: Wish,
  places: ConnectedPlace[],
  trips: Trip[],
  now: number,
): ConnectedPlace | undefined {
  const jkt = wish.place === 'trip' ? tripAt(trips, now)?.place : wish.place;
  return jkt ? places.find((place) => place.jkt === jkt) : wish.place === 'trip' ? undefined : places[0];
}

function when(wish: Wish, tz: string, night: string): Record<string, unknown> | undefined {
  const at = (wall: string) => {
    const text = told(tz, wall);
    if (!text) throw new Error('not a time');
    return text;
  };
  switch (wish.when.kind) {
    case 'now':
      return undefined;
    case 'tonight':
      return { tz, start: at(nextAt(tz, night)) };
    case 'at':
      return { tz, start: at(wish.when.wall) };
    case 'by':
      return { tz, by: at(wish.when.wall) };
  }
}

/** RFC 6265 §4.1.1. Browsers keep other names, too ("a[b]"): a request cannot hold them, and goes without them. */
const COOKIE_NAME = /^[\w!#$%&'*+.^`|~-]{1,1024}$/;

function access(secrets: Secrets[]): Record<string, unknown>[] {
  const known = secrets.map((one) => ({
    ...one,
    cookies: one.cookies.filter(({ name }) => COOKIE_NAME.test(name)),
  }));
  return known.flatMap(({ origin, cookies, headers }, index) => [
    ...(cookies.length ? [{ id: `cookies-${index}`, kind: 'cookies', scope: [origin], cookies }] : []),
    ...(headers.length ? [{ id: `headers-${index}`, kind: 'headers', scope: [origin], headers }] : []),
  ]);
}

export interface Composed {
  core: string;
  /** Seconds since 1970. */
  exp: number;
}

export function compose(
  captured: Captured,
  wish: Wish,
  place: ConnectedPlace,
  settings: Settings,
  now = Date.now(),
): Composed {
  const iat = Math.floor(now / 1000);
  const trip = wish.place === 'trip' ? tripAt(settings.trips, now) : undefined;
  const kept = trip ? Math.ceil((trip.until - now) / DAY_MS) + SPARE_DAYS : 0;
  const name = wish.name?.trim() || captured.name;
  const folder = wish.folder?.trim();
  const request = {
    ...(captured.method === 'POST' ? { method: 'POST', body64: captured.body ?? '' } : {}),
    ...(captured.headers.length ? { headers: captured.headers } : {}),
  };
  const secrets = access(captured.secrets);
  const plan = when(wish, place.tz, settings.night);
  const core = {
    v: 1,
    id: captured.id,
    aud: [{ jkt: place.jkt }],
    iat,
    exp: iat + TAKEN_FOR_S,
    what: {
      files: [
        {
          ...(name ? { name } : {}),
          ...(folder ? { path: folder } : {}),
          ...(captured.type ? { type: captured.type } : {}),
          sources: [{ url: captured.url, ...(Object.keys(request).length ? { request } : {}) }],
        },
      ],
    },
    ...(secrets.length ? { access: secrets } : {}),
    ...(plan ? { when: plan } : {}),
    ...(kept > USUAL_KEEP_DAYS ? { keep: `P${kept}D` } : {}),
  };
  return { core: JSON.stringify(core), exp: core.exp };
}
