// SPDX-License-Identifier: Apache-2.0
// Answers the extension's own pages. Scripts in web pages have no part in this: see clicks.ts.
import type { Answers, Ask } from '../common/messages';
import type { Settings, State } from '../common/model';
import { saveSettings } from '../common/settings';
import { words } from '../words/background';
import type { Arming } from './arming';
import type { GivingBack } from './giving_back';
import { capturedLink } from './observed';
import type { Offers } from './offers';
import type { Outbox } from './outbox';
import type { Places } from './places';
import type { Reach } from './reach';
import type { Taking } from './taking';
import type { Tracking } from './tracking';
import { Told, troubleOf } from './trouble';
import { hostOf, siteIsCaptured } from './wants';

export interface Parts {
  places: Places;
  outbox: Outbox;
  taking: Taking;
  tracking: Tracking;
  givingBack: GivingBack;
  arming: Arming;
  reach: Reach;
  offers: Offers;
  settings: () => Promise<Settings>;
  changed: () => void;
}

async function siteInFront(settings: Settings): Promise<State['site']> {
  const [tab] = await chrome.tabs.query({ active: true, lastFocusedWindow: true });
  const host = tab?.url && /^https?:/.test(tab.url) ? hostOf(tab.url) : '';
  return host
    ? { host, captured: settings.capture !== 'off' && siteIsCaptured(settings, [host]) }
    : undefined;
}

async function state(parts: Parts): Promise<State> {
  const settings = await parts.settings();
  const places = await parts.places.all();
  const site = await siteInFront(settings);
  const offered = await parts.offers.offered();
  return {
    settings,
    places,
    reached: places.filter(({ jkt }) => parts.reach.believed(jkt)).map(({ jkt }) => jkt),
    asked: await parts.taking.asked(),
    waiting: await parts.outbox.all(),
    ...(offered ? { offered: { origin: new URL(offered).origin } } : {}),
    ...(site ? { site } : {}),
  };
}

/** One host is captured, or never; the other rules stay. */
function withSite(settings: Settings, host: string, captured: boolean): Settings {
  const { which, only, never } = settings.sites;
  const others = (list: string[]) => list.filter((one) => one !== host && !host.endsWith(`.${one}`));
  return {
    ...settings,
    sites: captured
      ? { which, only: which === 'only' ? [...others(only), host] : only, never: others(never) }
      : { which, only, never: [...others(never), host] },
  };
}

async function set(settings: Settings, parts: Parts): Promise<null> {
  await saveSettings(settings);
  await parts.arming.renew();
  parts.changed();
  return null;
}

async function flush(parts: Parts): Promise<{ went: number }> {
  for (const { id, refused } of await parts.outbox.all()) if (refused) await parts.outbox.again(id);
  const went = await parts.outbox.flush();
  for (const { waiting, job } of went) await parts.tracking.follow(job, waiting.place, waiting.label);
  parts.changed();
  return { went: went.length };
}

async function fetchHere(id: string, parts: Parts): Promise<null> {
  const captured = await parts.outbox.captured(id);
  if (!captured) throw new Told(words.gone);
  await parts.givingBack.give(captured);
  await parts.outbox.remove(id);
  parts.changed();
  return null;
}

type Handlers = { [A in Ask as A['do']]: (what: A, parts: Parts) => Promise<Answers[A['do']]> };

const handlers: Handlers = {
  state: (_, parts) => state(parts),
  token: (what, parts) => parts.places.token(what.place),
  connect: async (what, parts) => {
    const place = await parts.places.connect(what.address ?? (await parts.offers.ofOrigin(what.offered)));
    await parts.offers.forget();
    const settings = await parts.settings();
    if (!settings.wish.place)
      await saveSettings({ ...settings, wish: { ...settings.wish, place: place.jkt } });
    await flush(parts);
    await parts.arming.renew();
    parts.changed();
    return place;
  },
  disconnect: async (what, parts) => {
    await parts.places.disconnect(what.place);
    await parts.arming.renew();
    parts.changed();
    return null;
  },
  set: (what, parts) => set(what.settings, parts),
  choose: (what, parts) => parts.taking.choose(what.id, what.wish),
  'download-here': async (what, parts) => {
    await parts.taking.downloadHere(what.id);
    return null;
  },
  drop: async (what, parts) => {
    await parts.taking.drop(what.id);
    return null;
  },
  send: async (what, parts) => {
    if (!/^https?:\/\/[^/]/.test(what.url.trim())) throw new Told(words.noWebAddress);
    return parts.taking.send(
      await capturedLink({ url: new URL(what.url.trim()).href, name: '', referrer: '', tabId: -1, page: '' }),
      what.wish,
    );
  },
  flush: (_, parts) => flush(parts),
  forget: async (what, parts) => {
    await parts.outbox.remove(what.id);
    parts.changed();
    return null;
  },
  'fetch-here': (what, parts) => fetchHere(what.id, parts),
  site: async (what, parts) => set(withSite(await parts.settings(), what.host, what.captured), parts),
};

/** undefined: not one of ours. */
export async function answer(what: Ask, parts: Parts): Promise<unknown> {
  const handler = handlers[what.do] as ((asked: Ask, parts: Parts) => Promise<unknown>) | undefined;
  if (!handler) return undefined;
  try {
    return { answer: await handler(what, parts) };
  } catch (error) {
    parts.changed();
    return { trouble: troubleOf(error) };
  }
}
