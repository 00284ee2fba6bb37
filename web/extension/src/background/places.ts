// SPDX-License-Identifier: Apache-2.0
// The places that this browser is connected to, and how it gets connected (FORMATS.md §8).
import { Problem, type Schemas } from '@restante/sdk';
import { toBase64url } from '@restante/sdk/base64url';
import { deviceKey, forgetDeviceKey, type DeviceKey } from '@restante/sdk/device-key';
import { publicJwk, signCompact, thumbprint, verifyCompact, verifyKeySet } from '@restante/sdk/jose';
import type { ConnectedPlace } from '../common/model';
import { words } from '../words/background';
import { Shelf } from './shelf';
import { Told } from './trouble';

const ANSWERS_WITHIN_MS = 15_000;
/** How often the keys that requests are sealed with are asked for anew. */
const KEYS_KEPT_MS = 24 * 3600_000;

interface Kept extends ConnectedPlace {
  token: string;
  looked: number;
}

interface Connecting {
  origin: string;
  jkt: string;
  code: string;
}

/** https://HOST[:PORT]/pair#k=..&c=.., or web+restante:pair?u=..&k=..&c=..; undefined: it is no such address. */
export function readConnecting(text: string): Connecting | undefined {
  try {
    const url = new URL(text.trim());
    if (url.protocol === 'web+restante:' && url.pathname === 'pair') {
      const said = url.searchParams;
      return readConnecting(`${said.get('u') ?? ''}/pair#k=${said.get('k') ?? ''}&c=${said.get('c') ?? ''}`);
    }
    const said = new URLSearchParams(url.hash.slice(1));
    const jkt = said.get('k') ?? '';
    const code = said.get('c') ?? '';
    if (!/^https?:$/.test(url.protocol) || !url.pathname.endsWith('/pair')) return undefined;
    if (!/^[A-Za-z0-9_-]{43}$/.test(jkt) || !/^[A-Za-z0-9_-]{16,128}$/.test(code)) return undefined;
    return { origin: url.origin, jkt, code };
  } catch {
    return undefined;
  }
}

/** The answer of a place, or `Problem`; with status 0 it was not reached. Nothing of the browser's cookies goes along. */
export async function call(url: string, options: RequestInit = {}): Promise<Response> {
  let response: Response;
  try {
    response = await fetch(url, {
      ...options,
      credentials: 'omit',
      cache: 'no-store',
      redirect: 'error',
      signal: options.signal ?? AbortSignal.timeout(ANSWERS_WITHIN_MS),
    });
  } catch {
    throw new Problem({}, 0);
  }
  if (!response.ok) throw await Problem.from(response);
  return response;
}

async function json<T>(response: Response): Promise<T> {
  try {
    return (await response.json()) as T;
  } catch {
    throw new Told(words.noAnswer);
  }
}

/** Has the server prove that it holds the key of the address, before the code is shown to it. Error: Told, Problem. */
async function checkIdentity(address: Connecting, key: DeviceKey): Promise<void> {
  const nonce = toBase64url(crypto.getRandomValues(new Uint8Array(24)));
  const asked = `${address.origin}/.well-known/restante?nonce=${nonce}&for=${key.jkt}`;
  const said = await json<Record<string, unknown>>(await call(asked));
  try {
    const jwk = publicJwk(said['jwk']);
    if ((await thumbprint(jwk)) !== address.jkt) throw new Told(words.otherServer);
    const claim = JSON.parse(await verifyCompact(String(said['proof']), jwk, 'restante-place+jws')) as Record<
      string,
      unknown
    >;
    const right =
      claim['nonce'] === nonce &&
      claim['for'] === key.jkt &&
      claim['jkt'] === address.jkt &&
      claim['url'] === address.origin;
    if (!right) throw new Told(words.otherServer);
  } catch {
    throw new Told(words.otherServer);
  }
}

/** "Firefox on Linux": how the place lists this browser. */
function ownLabel(): string {
  const agent = navigator.userAgent;
  const browser = /Firefox\//.test(agent) ? 'Firefox' : /Edg\//.test(agent) ? 'Edge' : 'Chromium';
  const system = /Android|Windows|Mac OS|Linux/.exec(agent)?.[0] ?? 'a computer';
  return `${browser} on ${system} (extension)`;
}

/** Made once by main. Every method may throw Problem (the place), Refused (keys) or Told. */
export class Places {
  readonly #shelf = new Shelf<Kept>('place');

  async all(): Promise<ConnectedPlace[]> {
    const kept = await this.#shelf.all();
    return kept
      .map(({ token: _token, looked: _looked, ...place }) => place)
      .sort((a, b) => a.name.localeCompare(b.name));
  }

  async byJkt(jkt: string): Promise<ConnectedPlace | undefined> {
    return (await this.all()).find((place) => place.jkt === jkt);
  }

  async token(jkt: string): Promise<string> {
    const kept = await this.#shelf.get(jkt);
    if (!kept) throw new Told(words.noPlace);
    return kept.token;
  }

  key(jkt: string): Promise<DeviceKey> {
    return deviceKey(`place ${jkt}`);
  }

  async connect(text: string): Promise<ConnectedPlace> {
    const address = readConnecting(text);
    if (!address) throw new Told(words.noAddress);
    const known = await this.#shelf.get(address.jkt);
    // A key that the place has given up is known there for ever: a new one.
    if (known?.ended) await forgetDeviceKey(`place ${address.jkt}`);
    const key = await this.key(address.jkt);
    await checkIdentity(address, key);
    try {
      return await this.#enrol(address, key);
    } catch (problem) {
      if (!(problem instanceof Problem) || problem.reason !== 'conflict') throw problem;
      await forgetDeviceKey(`place ${address.jkt}`);
      return await this.#enrol(address, await this.key(address.jkt));
    }
  }

  async #enrol(address: Connecting, key: DeviceKey): Promise<ConnectedPlace> {
    const proof = await signCompact(
      key,
      JSON.stringify({ code: address.code, jkt: address.jkt }),
      'restante-enrol+jws',
    );
    const body = JSON.stringify({ code: address.code, label: ownLabel(), jwk: key.jwk, proof });
    const headers = { 'Content-Type': 'application/json' };
    const said = await json<{ account: Schemas['Account']; token: string; place: Schemas['OwnPlace'] }>(
      await call(`${address.origin}/v1/devices`, { method: 'POST', headers, body }),
    );
    const keys = said.place.keys ?? '';
    await verifyKeySet(keys, address.jkt);
    const place: ConnectedPlace = {
      jkt: address.jkt,
      url: address.origin,
      name: said.place.name,
      tz: said.place.tz,
      account: said.account.name,
      keys,
    };
    await this.#shelf.put(place.jkt, { ...place, token: said.token, looked: Date.now() });
    return place;
  }

  /** Tells the place, if it can be reached; here it is gone in any case. */
  async disconnect(jkt: string): Promise<void> {
    const kept = await this.#shelf.get(jkt);
    if (!kept) return;
    const device = (await this.key(jkt)).jkt;
    const headers = { Authorization: `Bearer ${kept.token}` };
    await call(`${kept.url}/v1/devices/${device}`, { method: 'DELETE', headers }).catch(() => undefined);
    await this.#shelf.remove(jkt);
    await forgetDeviceKey(`place ${jkt}`);
  }

  /** The place says that it does not know this browser. */
  async end(jkt: string): Promise<void> {
    const kept = await this.#shelf.get(jkt);
    if (kept) await this.#shelf.put(jkt, { ...kept, ended: true });
  }

  /** Its newer keys and name, at most once a day; never older keys. What goes wrong leaves what is known. */
  async follow(jkt: string): Promise<void> {
    const kept = await this.#shelf.get(jkt);
    if (!kept || Date.now() - kept.looked < KEYS_KEPT_MS) return;
    try {
      const headers = { Authorization: `Bearer ${kept.token}` };
      const said = await json<Schemas['OwnPlace']>(await call(`${kept.url}/v1/place`, { headers }));
      const [fresh, known] = await Promise.all([
        verifyKeySet(said.keys ?? '', jkt),
        verifyKeySet(kept.keys, jkt),
      ]);
      const keys = fresh.issued >= known.issued ? (said.keys ?? kept.keys) : kept.keys;
      await this.#shelf.put(jkt, { ...kept, keys, name: said.name, tz: said.tz, looked: Date.now() });
    } catch {
      return;
    }
  }
}
