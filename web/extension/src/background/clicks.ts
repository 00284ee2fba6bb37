// SPDX-License-Identifier: Apache-2.0
// What scripts in web pages tell: clicks on links that are captured before anything is asked for.
import type { Decided, Told } from '../common/clicks';
import type { Settings } from '../common/model';
import type { Arming } from './arming';
import type { GivingBack } from './giving_back';
import { capturedLink, type Observations } from './observed';
import type { Offers } from './offers';
import type { Places } from './places';
import { forgetForm, letPass } from './rules';
import type { Taking } from './taking';
import { wantedByAddress } from './wants';

/** From a click until its request has begun. */
const PASSES_MS = 5_000;

export interface Parts {
  places: Places;
  taking: Taking;
  arming: Arming;
  offers: Offers;
  givingBack: GivingBack;
  observations: Observations;
  settings: () => Promise<Settings>;
  changed: () => void;
}

type Sender = chrome.runtime.MessageSender;

async function clicked(what: Told & { do: 'clicked' }, sender: Sender, parts: Parts): Promise<Decided> {
  const settings = await parts.settings();
  const page = sender.url ?? '';
  if (!/^https?:/.test(what.url)) return { follow: true };
  const byKey = settings.capture === 'key' && what.held;
  const from = /^https?:/.test(page) ? new URL(page).hostname : '';
  const places = await parts.places.all();
  const own = places.some((place) => what.url.startsWith(`${place.url}/`));
  const saves = what.saves && from !== '' && new URL(what.url).origin === new URL(page).origin;
  const wanted = byKey || wantedByAddress(settings, { url: what.url, from, saves });
  if (own || !wanted || !(await parts.taking.ready(settings))) return { follow: true };
  const store = (sender.tab as { cookieStoreId?: string } | undefined)?.cookieStoreId;
  await parts.taking.take(
    await capturedLink({
      url: what.url,
      name: what.name,
      referrer: what.referrer,
      tabId: sender.tab?.id ?? -1,
      ...(store ? { storeId: store } : {}),
      page,
    }),
  );
  return { follow: false };
}

function originOf(address: string | undefined): string {
  try {
    return new URL(address ?? '').origin;
  } catch {
    return '';
  }
}

async function pass(url: string, tabId: number, parts: Parts): Promise<Decided> {
  parts.givingBack.note(url);
  await letPass([tabId, chrome.tabs.TAB_ID_NONE], PASSES_MS);
  return { follow: true };
}

/** undefined: not one of these. Error: whatever goes wrong leaves the click to the browser. */
export async function onTold(what: Told, sender: Sender, parts: Parts): Promise<Decided | null | undefined> {
  const tabId = sender.tab?.id ?? -1;
  switch (what.do) {
    case 'near':
      parts.arming.stir();
      return null;
    case 'clicked':
      return clicked(what, sender, parts).catch(() => pass(what.url, tabId, parts));
    case 'pass':
      return pass(what.url, tabId, parts);
    case 'form':
      parts.observations.noteForm(tabId, { names: what.names, upload: what.upload });
      if (what.small && !what.upload) await parts.arming.expectForm(tabId);
      else await forgetForm(tabId);
      return null;
    case 'pairing':
      if (originOf(what.address) !== originOf(sender.url) || sender.frameId !== 0) return null;
      if (await parts.offers.note(what.address)) parts.changed();
      return null;
    default:
      return undefined;
  }
}
