// SPDX-License-Identifier: Apache-2.0
// The last layer: a download that the browser has begun. It is stopped until it is kept here, and given up then.
import type { Settings } from '../common/model';
import type { Captured } from './captured';
import type { GivingBack } from './giving_back';
import type { Observations } from './observed';
import type { Places } from './places';
import type { Taking } from './taking';
import { hostOf, wanted } from './wants';

type Item = chrome.downloads.DownloadItem;

const TYPE = /^[\w.+-]+\/[\w.+-]+$/;

export interface Parts {
  places: Places;
  observations: Observations;
  taking: Taking;
  givingBack: GivingBack;
  settings: () => Promise<Settings>;
}

function label(item: Item): string {
  return item.filename.split(/[\\/]/).pop() ?? '';
}

/** undefined: how it was asked for is not known (it may have been posted), so nobody else can. */
async function captured(item: Item, parts: Parts): Promise<Captured | undefined> {
  const seen = await parts.observations.byUrl(
    [item.finalUrl || item.url, item.url],
    Date.parse(item.startTime),
  );
  return (
    seen &&
    parts.observations.captured(seen, {
      label: label(item),
      type: TYPE.test(item.mime) ? item.mime.toLowerCase() : '',
      ...(item.totalBytes > 0 ? { size: item.totalBytes } : {}),
    })
  );
}

async function isWanted(item: Item, parts: Parts): Promise<boolean> {
  const url = item.finalUrl || item.url;
  const given = parts.givingBack.claim([url, item.url]);
  if (given || item.byExtensionId) return false;
  // blob: and data: live in the page that made them: nobody else could fetch them.
  if (!/^https?:/.test(url) || !/^https?:/.test(item.url)) return false;
  const places = await parts.places.all();
  if (places.some((place) => url.startsWith(`${place.url}/`))) return false;
  const facts = {
    url,
    from: hostOf(item.referrer ?? ''),
    type: item.mime.toLowerCase(),
    saved: true,
    size: item.totalBytes > 0 ? item.totalBytes : undefined,
  };
  return wanted(await parts.settings(), facts);
}

/** Called for each download that begins. It rests from the first moment on, and goes on if it is left to the browser. */
export async function onDownload(item: Item, parts: Parts): Promise<void> {
  if (item.state !== 'in_progress' || item.byExtensionId === chrome.runtime.id) return;
  const rests = chrome.downloads.pause(item.id).then(
    () => true,
    () => false,
  );
  try {
    if (await isTaken(item, parts)) return;
  } catch (error) {
    console.warn('not captured:', error instanceof Error ? error.message : 'unknown');
  }
  if (await rests) await chrome.downloads.resume(item.id).catch(() => undefined);
}

async function isTaken(item: Item, parts: Parts): Promise<boolean> {
  if (!(await isWanted(item, parts))) return false;
  const request = await captured(item, parts);
  if (request?.cannot !== '' || !(await parts.taking.ready(await parts.settings()))) return false;
  await parts.taking.take(request, async () => {
    await chrome.downloads.cancel(item.id);
    await chrome.downloads.erase({ id: item.id });
  });
  return true;
}
