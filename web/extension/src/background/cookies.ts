// SPDX-License-Identifier: Apache-2.0
// The cookies of a download's own site, as the browser would send them: also those that belong to one top-level site only
// (partitioned), to a container, or to a private window.
import type { Cookie } from './captured';

type Jar = chrome.cookies.Cookie & { partitionKey?: { topLevelSite?: string } };

export interface Asking {
  url: string;
  /** Of the tab, where the browser has several stores. */
  storeId?: string | undefined;
  /** Address of the page in the tab: the partition. */
  top?: string | undefined;
  /** The Cookie header that was sent, if the browser showed it: then exactly these are taken. */
  sent?: string | undefined;
  /** Origin of the page that asked; undefined: none, or not known. */
  initiator?: string | undefined;
}

/** The last two labels: near enough to tell sites apart where a cookie must not go along. */
function roughSite(host: string): string {
  return /^[\d.]+$|:/.test(host) ? host : host.split('.').slice(-2).join('.');
}

function hostOf(url: string | undefined): string {
  try {
    return url ? new URL(url).hostname : '';
  } catch {
    return '';
  }
}

/** The store that a tab uses; undefined: the browser's usual one. */
export async function storeOf(tabId: number): Promise<string | undefined> {
  if (tabId < 0) return undefined;
  const stores = await chrome.cookies.getAllCookieStores();
  return stores.find((store) => store.tabIds.includes(tabId))?.id;
}

/** Browsers send secure cookies to this very machine without TLS, too: what was sent so is not secure alone. */
function told(cookie: Jar, url: string): Cookie {
  const host = hostOf(url);
  return {
    name: cookie.name,
    value: cookie.value,
    host: cookie.hostOnly ? cookie.domain : host,
    ...(cookie.hostOnly ? {} : { domain: cookie.domain.replace(/^\./, '') }),
    path: cookie.path,
    secure: cookie.secure && url.startsWith('https:'),
    ...(cookie.expirationDate ? { expires: Math.floor(cookie.expirationDate) } : {}),
  };
}

/** "a=1; b=2" as pairs. */
function pairs(header: string): [string, string][] {
  return header
    .split('; ')
    .filter((one) => one !== '')
    .map((one) => {
      const at = one.indexOf('=');
      return at < 0 ? ['', one] : [one.slice(0, at), one.slice(at + 1)];
    });
}

async function jar(asking: Asking): Promise<Jar[]> {
  const details = { url: asking.url, ...(asking.storeId ? { storeId: asking.storeId } : {}) };
  // An empty partition key asks for both kinds; browsers that know no partitions refuse it.
  const all = (await chrome.cookies
    .getAll({ ...details, partitionKey: {} })
    .catch(() => chrome.cookies.getAll(details))) as Jar[];
  const top = roughSite(hostOf(asking.top));
  return all.filter((cookie) => {
    const site = cookie.partitionKey?.topLevelSite;
    return !site || roughSite(hostOf(site)) === top;
  });
}

export async function cookiesFor(asking: Asking): Promise<Cookie[]> {
  const host = hostOf(asking.url);
  if (asking.sent === '') return [];
  const found = await jar(asking);
  if (asking.sent !== undefined) {
    const kept: Cookie[] = [];
    for (const [name, value] of pairs(asking.sent)) {
      const known = found.find((one) => one.name === name && one.value === value);
      // What the browser sent and does not show (another partition): this very host gets it, nobody else.
      if (name) kept.push(known ? told(known, asking.url) : { name, value, host, path: '/' });
    }
    return kept;
  }
  const crossSite = asking.initiator !== undefined && roughSite(hostOf(asking.initiator)) !== roughSite(host);
  return found.filter((one) => !(crossSite && one.sameSite === 'strict')).map((one) => told(one, asking.url));
}
