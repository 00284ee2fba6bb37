// SPDX-License-Identifier: Apache-2.0

/** A shared text up to this size is shown in the field. */
const mostText = 20_000;
/** Where the service worker puts what the system's share menu gave (app/src/sw). */
const shelf = 'shared';

/**
 * `/new#url=...` (a bookmark, another page) and `/new?shared` (the system's share menu). It is taken once: neither the
 * address bar nor the shelf keeps it. Any page can make such an address, or send a form that looks like a share: what came
 * is shown, and nothing is asked of anybody.
 */
export async function arrived(): Promise<string | Blob | undefined> {
  const fragment = new URLSearchParams(location.hash.slice(1));
  const shared = new URLSearchParams(location.search).has('shared');
  if (location.hash || shared) history.replaceState(null, '', location.pathname);
  const text = ['url', 'text'].map((name) => fragment.get(name)?.trim()).find(Boolean);
  if (text) return text;
  if (!shared || !('caches' in window)) return undefined;
  const all = await caches.open(shelf);
  const [first] = await all.keys();
  const kept = first ? await all.match(first) : undefined;
  await caches.delete(shelf);
  const what = await kept?.blob();
  if (!what || what.size === 0) return undefined;
  return what.type.startsWith('text/plain') && what.size <= mostText ? what.text() : what;
}
