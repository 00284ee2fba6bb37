// SPDX-License-Identifier: Apache-2.0
import { find } from '../../lib/router.svelte';
import { routes } from '../../lib/routes';

const otherwise = '/downloads';

/** Where a person wanted to go before signing in: a page of ours, whatever the address bar says. */
export function wanted(query: string): string {
  const to = new URLSearchParams(query).get('to') ?? otherwise;
  let there: URL;
  try {
    there = new URL(to, location.origin);
  } catch {
    return otherwise;
  }
  const page = find(routes, there.pathname);
  const ours = there.origin === location.origin && page !== undefined && page.route.path !== '/sign-in';
  return ours ? there.pathname + there.search : otherwise;
}
