// SPDX-License-Identifier: Apache-2.0
import type { Component } from 'svelte';

/** What a page is given: what stands in its path behind the route's own part, decoded. */
export interface PageProps {
  rest: string;
}

export interface Route {
  /** "/downloads": this path and everything below it. */
  path: string;
  /** Who may see it: nobody needs to be signed in, somebody has to be, or an admin. */
  who: 'anybody' | 'account' | 'admin';
  load: () => Promise<{ default: Component<PageProps> | Component<Record<string, never>> }>;
}

/** Where the person is. Changed by `go` and by the browser's own buttons. */
export const here = $state({ path: location.pathname, query: location.search });

function arrived(): void {
  here.path = location.pathname;
  here.query = location.search;
}

window.addEventListener('popstate', arrived);

/** Shows another page of the app. */
export function go(to: string, how: 'push' | 'replace' = 'push'): void {
  if (how === 'push') history.pushState(null, '', to);
  else history.replaceState(null, '', to);
  arrived();
  if (how === 'push') scrollTo(0, 0);
}

/** The route of a path, and what is left of the path behind it. */
export function find(routes: readonly Route[], path: string): { route: Route; rest: string } | undefined {
  const route = routes.find((one) => path === one.path || path.startsWith(one.path + '/'));
  if (!route) return undefined;
  let rest = path.slice(route.path.length + 1);
  try {
    rest = rest.split('/').map(decodeURIComponent).join('/');
  } catch {
    // Not well-formed: shown as it stands.
  }
  return { route, rest };
}

/** A path with each name encoded: names may hold '?', '#' and '%'. */
export function pathOf(base: string, names = ''): string {
  return names ? base + '/' + names.split('/').map(encodeURIComponent).join('/') : base;
}

/** Links to our own pages stay in the app; everything else (files, other windows, modifier keys) is the browser's. */
export function followLinks(isOurs: (path: string) => boolean): (event: MouseEvent) => void {
  return (event) => {
    if (event.defaultPrevented || event.button !== 0) return;
    if (event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    const link = (event.target as Element | null)?.closest('a');
    if (!link || link.target || link.hasAttribute('download') || link.origin !== location.origin) return;
    if (!isOurs(link.pathname)) return;
    if (link.pathname === location.pathname && link.hash) return;
    event.preventDefault();
    go(link.pathname + link.search + link.hash);
  };
}
