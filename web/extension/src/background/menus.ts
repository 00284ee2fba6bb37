// SPDX-License-Identifier: Apache-2.0
import { words } from '../words/background';
import { capturedLink } from './observed';
import type { Taking } from './taking';

const MOST_OF_A_SELECTION = 64;
const ADDRESS = /https?:\/\/[^\s<>"'`{}|\\^]+/g;

/** The entries are kept by the browser; they are made when the extension is installed or updated. */
export async function makeMenus(): Promise<void> {
  await chrome.contextMenus.removeAll();
  const contexts = {
    link: ['link'],
    media: ['image', 'video', 'audio'],
    selection: ['selection'],
    page: ['page'],
  } as const;
  for (const [id, where] of Object.entries(contexts))
    chrome.contextMenus.create({
      id,
      title: words.menu[id as keyof typeof contexts],
      contexts: [...where] as [
        `${chrome.contextMenus.ContextType}`,
        ...`${chrome.contextMenus.ContextType}`[],
      ],
    });
}

function addresses(info: chrome.contextMenus.OnClickData): string[] {
  if (info.menuItemId === 'link') return info.linkUrl ? [info.linkUrl] : [];
  if (info.menuItemId === 'media') return info.srcUrl ? [info.srcUrl] : [];
  if (info.menuItemId === 'page') return info.pageUrl ? [info.pageUrl] : [];
  const found = (info.selectionText ?? '').match(ADDRESS) ?? [];
  return [...new Set(found.map((one) => one.replace(/[.,;:!?)\]]+$/, '')))].slice(0, MOST_OF_A_SELECTION);
}

export async function onMenu(
  info: chrome.contextMenus.OnClickData,
  tab: chrome.tabs.Tab | undefined,
  taking: Taking,
): Promise<void> {
  const page = info.frameUrl ?? info.pageUrl ?? tab?.url ?? '';
  for (const url of addresses(info)) {
    if (!/^https?:/.test(url)) continue;
    const referrer = info.menuItemId === 'page' ? '' : referrerFor(url, page);
    await taking.take(
      await capturedLink({
        url,
        name: '',
        referrer,
        tabId: tab?.id ?? -1,
        page: info.menuItemId === 'page' ? '' : page,
      }),
    );
  }
}

/** By the browsers' usual policy, strict-origin-when-cross-origin. */
export function referrerFor(url: string, page: string): string {
  if (!/^https?:/.test(page)) return '';
  const from = new URL(page);
  const to = new URL(url);
  if (from.protocol === 'https:' && to.protocol === 'http:') return '';
  if (from.origin !== to.origin) return `${from.origin}/`;
  from.hash = '';
  from.username = '';
  from.password = '';
  return from.href;
}
