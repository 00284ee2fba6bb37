// SPDX-License-Identifier: Apache-2.0
import type { Route } from './router.svelte';

/** All pages; each is loaded when it is first seen. The server answers these paths with the app (src/api). */
export const routes: readonly Route[] = [
  { path: '/downloads', who: 'account', load: () => import('../pages/downloads/Downloads.svelte') },
  { path: '/week', who: 'account', load: () => import('../pages/downloads/Week.svelte') },
  { path: '/new', who: 'account', load: () => import('../pages/new/New.svelte') },
  { path: '/sending', who: 'account', load: () => import('../pages/sending/Sending.svelte') },
  { path: '/files', who: 'account', load: () => import('../pages/files/Files.svelte') },
  { path: '/trash', who: 'account', load: () => import('../pages/files/Trash.svelte') },
  { path: '/links', who: 'account', load: () => import('../pages/links/Links.svelte') },
  { path: '/me', who: 'account', load: () => import('../pages/me/Me.svelte') },
  { path: '/place', who: 'admin', load: () => import('../pages/place/Place.svelte') },
  { path: '/travel', who: 'anybody', load: () => import('../pages/travel/Travel.svelte') },
  { path: '/p', who: 'anybody', load: () => import('../pages/travel/HandOver.svelte') },
  { path: '/sign-in', who: 'anybody', load: () => import('../pages/sign-in/SignIn.svelte') },
  { path: '/pair', who: 'anybody', load: () => import('../pages/sign-in/Connect.svelte') },
  { path: '/setup', who: 'anybody', load: () => import('../pages/setup/Setup.svelte') },
];
