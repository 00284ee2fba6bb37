// SPDX-License-Identifier: Apache-2.0
// Notifications and the badge.
import { words } from '../words/background';

const ICON = 'icons/restante-128.png';

interface Told {
  title: string;
  text: string;
  /** What a click on it opens; none: nothing. */
  opens?: string;
}

/** One for each `id`: another one takes its place. */
export async function tell(id: string, told: Told): Promise<void> {
  if (told.opens) await chrome.storage.session.set({ [`opens ${id}`]: told.opens });
  await chrome.notifications.create(id, {
    type: 'basic',
    iconUrl: chrome.runtime.getURL(ICON),
    title: told.title,
    message: told.text,
  });
}

export async function onNotificationClicked(id: string): Promise<void> {
  const key = `opens ${id}`;
  const { [key]: opens } = (await chrome.storage.session.get(key)) as Record<string, string | undefined>;
  await chrome.notifications.clear(id);
  if (!opens) return;
  await chrome.storage.session.remove(key);
  await chrome.tabs.create({ url: opens });
}

export async function showBadge(count: { asked: number; refused: number; waiting: number }): Promise<void> {
  await chrome.action.setBadgeBackgroundColor({
    color: count.asked + count.refused > 0 ? '#b3261e' : '#5f6368',
  });
  await chrome.action.setBadgeText({ text: words.badge(count.asked, count.refused, count.waiting) });
}
