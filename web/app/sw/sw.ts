// SPDX-License-Identifier: Apache-2.0
// The service worker: the app opens although the place cannot be reached (and says so), and takes what the system's share
// menu gives. It keeps the app's own files only: never a call's answer, never content, never a link.

export {};
declare const self: ServiceWorkerGlobalScope;

/** Put in by vite.sw.config.ts: the files that are kept from the start, and a name that changes with any of them. */
declare const SHELL: { version: string; files: string[] };
const shell = SHELL;

const page = '/';
const cacheName = 'restante-' + shell.version;
/** Where app/src/pages/new/arrived.ts looks for what was shared. */
const shelf = 'shared';
const mostShared = 32 << 20;
const longestWaitMs = 4000;
/** The app's own pages; every other address goes to the place as if there was no service worker. */
const pages =
  /^\/(?:(?:downloads|files|me|place)(?:\/.*)?|new|week|trash|links|sending|sign-in|setup|pair|travel|p)?$/;

self.addEventListener('install', (event) => event.waitUntil(keepShell()));
self.addEventListener('activate', (event) => event.waitUntil(forgetOthers()));
self.addEventListener('fetch', (event) => {
  const { request } = event;
  const url = new URL(request.url);
  if (url.origin !== self.location.origin) return;
  if (request.method === 'POST' && url.pathname === '/share-target') event.respondWith(shared(request));
  if (request.method !== 'GET') return;
  if (request.mode === 'navigate' && pages.test(url.pathname)) event.respondWith(freshPage(request));
  if (url.pathname.startsWith('/assets/') || url.pathname.startsWith('/icons/'))
    event.respondWith(file(request));
});

async function keepShell(): Promise<void> {
  const cache = await caches.open(cacheName);
  await cache.addAll([page, ...shell.files]);
}

/** Of earlier versions; what was shared a moment ago stays. */
async function forgetOthers(): Promise<void> {
  const names = await caches.keys();
  const old = names.filter((name) => name.startsWith('restante-') && name !== cacheName);
  await Promise.all(old.map((name) => caches.delete(name)));
}

/** The page as the place has it now; the kept one where the place does not answer in time. */
async function freshPage(request: Request): Promise<Response> {
  const kept = await caches.match(page, { cacheName });
  const wait = kept ? AbortSignal.timeout(longestWaitMs) : null;
  try {
    const answer = await fetch(request, { signal: wait });
    return answer.status >= 500 && kept ? kept : answer;
  } catch (problem) {
    if (kept) return kept;
    throw problem;
  }
}

/** Files under /assets/ never change; the icons are as old as this worker. */
async function file(request: Request): Promise<Response> {
  const kept = await caches.match(request, { cacheName, ignoreVary: true });
  if (kept) return kept;
  const answer = await fetch(request);
  if (answer.ok && new URL(request.url).pathname.startsWith('/assets/')) {
    const cache = await caches.open(cacheName);
    await cache.put(request, answer.clone());
  }
  return answer;
}

/** Keeps a file, or the address and text, for the page that asks what to do with it. Nothing goes to the place yet. */
async function shared(request: Request): Promise<Response> {
  const form = await request.formData();
  const files = form.getAll('files').filter((part): part is File => part instanceof File && part.size > 0);
  const lines = ['url', 'text'].map((name) => form.get(name)).filter((part) => typeof part === 'string');
  const what = files[0] ?? new Blob([lines.join('\n')], { type: 'text/plain' });
  await caches.delete(shelf);
  // The place takes no more at once; any page could make such a form.
  if (what.size > mostShared) return Response.redirect('/new', 303);
  const kept = await caches.open(shelf);
  await kept.put('/share-target', new Response(what));
  return Response.redirect('/new?shared', 303);
}
