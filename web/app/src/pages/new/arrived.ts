// SPDX-License-Identifier: Apache-2.0

/** What another app or page handed over with the address of this page. */
export interface Arrived {
  what: string | Blob;
  /** The person shared it just now from this device; else any page may have made the address. */
  trusted: boolean;
}

/** Where the service worker puts what the system's share menu gave (app/src/sw). */
const shelf = 'shared';

/**
 * `/new#url=...` (a bookmark, another page) and `/new?shared` (the system's share menu). It is taken once: neither the
 * address bar nor the shelf keeps it.
 */
export async function arrived(): Promise<Arrived | undefined> {
  const fragment = new URLSearchParams(location.hash.slice(1));
  const shared = new URLSearchParams(location.search).has('shared');
  if (location.hash || shared) history.replaceState(null, '', location.pathname);
  const text = ['url', 'text'].map((name) => fragment.get(name)?.trim()).find(Boolean);
  if (text) return { what: text, trusted: false };
  if (!shared || !('caches' in window)) return undefined;
  const all = await caches.open(shelf);
  const [first] = await all.keys();
  const kept = first ? await all.match(first) : undefined;
  await caches.delete(shelf);
  const what = await kept?.blob();
  return what && what.size > 0 ? { what, trusted: true } : undefined;
}
