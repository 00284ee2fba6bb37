// SPDX-License-Identifier: Apache-2.0
// The background: wires the parts. It is stopped by the browser at any time and begun again by the next event, so every listener is
// registered before the first wait, and what matters is kept on shelves.
import type { Told } from '../common/clicks';
import type { Ask } from '../common/messages';
import { loadSettings, onSettings } from '../common/settings';
import { answer } from './answers';
import { Arming } from './arming';
import { onDownload } from './browser_downloads';
import { onTold } from './clicks';
import { GivingBack } from './giving_back';
import { makeMenus, onMenu } from './menus';
import { captureNavigations } from './navigation';
import { Observations, TYPES } from './observed';
import { Offers } from './offers';
import { Outbox } from './outbox';
import { Places } from './places';
import { Reach } from './reach';
import { Taking } from './taking';
import { onNotificationClicked, showBadge, tell } from './telling';
import { Tracking } from './tracking';
import { words } from '../words/background';

const OUTBOX_ALARM = 'outbox';
const OUTBOX_MIN = 1;
const ASK_WINDOW = { width: 440, height: 620 };

const observations = new Observations();
const places = new Places();
const reach = new Reach();
const offers = new Offers();
const givingBack = new GivingBack();
let cached: ReturnType<typeof loadSettings> | undefined;
const settings = () => (cached ??= loadSettings());
const outbox = new Outbox(places);
const tracking = new Tracking(places, settings);
const arming = new Arming(places, reach, settings);
const taking = new Taking({ places, reach, outbox, tracking, givingBack, settings, askPerson, changed });
const parts = {
  places,
  reach,
  outbox,
  tracking,
  taking,
  arming,
  offers,
  givingBack,
  observations,
  settings,
  changed,
};

/** A small window; one is enough for all that is asked. */
async function askPerson(id: string): Promise<void> {
  const page = chrome.runtime.getURL('ask.html');
  const open = await chrome.tabs.query({ url: `${page}*` }).catch(() => []);
  if (open.length) return;
  const url = `${page}?id=${id}`;
  if (chrome.windows?.create) await chrome.windows.create({ url, type: 'popup', ...ASK_WINDOW });
  else await chrome.tabs.create({ url });
}

function changed(): void {
  chrome.runtime.sendMessage({ changed: true }).catch(() => undefined);
  void count();
}

async function count(): Promise<void> {
  const [asked, waiting] = [await taking.asked(), await outbox.all()];
  const refused = waiting.filter((one) => one.refused).length;
  await showBadge({ asked: asked.length, refused, waiting: waiting.length - refused });
  if (waiting.length > refused) await chrome.alarms.create(OUTBOX_ALARM, { delayInMinutes: OUTBOX_MIN });
}

async function flush(): Promise<void> {
  for (const { waiting, job } of await outbox.flush()) {
    await tracking.follow(job, waiting.place, waiting.label);
    const place = await places.byJkt(waiting.place);
    await tell(`sent ${waiting.id}`, {
      title: words.sentTitle(waiting.label),
      text: words.sentText(place?.name ?? ''),
    });
  }
  changed();
}

chrome.runtime.onInstalled.addListener(() => void makeMenus());
chrome.contextMenus.onClicked.addListener((info, tab) => void onMenu(info, tab, taking));
chrome.notifications.onClicked.addListener((id) => void onNotificationClicked(id));
chrome.downloads.onCreated.addListener((item) => void onDownload(item, parts));
chrome.alarms.onAlarm.addListener((alarm) => {
  if (alarm.name === OUTBOX_ALARM) void flush();
});
chrome.runtime.onMessage.addListener((message: Ask | Told, sender, reply) => {
  const ours = sender.url?.startsWith(chrome.runtime.getURL('')) === true;
  const answering = ours ? answer(message as Ask, parts) : onTold(message as Told, sender, parts);
  void answering.then(reply, () => reply(undefined));
  return true;
});
chrome.tabs.onActivated.addListener(() => arming.stir());
chrome.webRequest.onBeforeRequest.addListener(
  () => {
    arming.stir();
    return undefined;
  },
  { urls: ['http://*/*', 'https://*/*'], types: [TYPES[0]!] },
);
onSettings((fresh) => {
  cached = Promise.resolve(fresh);
  void arming.renew();
});
captureNavigations(parts);
tracking.begin();
void arming.begin();
void count();
void tracking.look();
