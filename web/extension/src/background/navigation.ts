// SPDX-License-Identifier: Apache-2.0
// Captures requests that the browser's own rules ended (Chromium), or ends them by their head (Firefox).
import type { Settings } from '../common/model';
import type { Arming } from './arming';
import { readHead, type Head } from './heads';
import { initiatorOf, TYPES, type Observations, type Observed } from './observed';
import type { Places } from './places';
import { forgetForm, rulesAreKnown } from './rules';
import type { GivingBack } from './giving_back';
import { Full, type Taking } from './taking';
import { hostOf, siteIsCaptured, wanted } from './wants';

type Redirect = chrome.webRequest.OnBeforeRedirectDetails;

export interface Parts {
  places: Places;
  observations: Observations;
  taking: Taking;
  givingBack: GivingBack;
  arming: Arming;
  settings: () => Promise<Settings>;
}

const ALL = { urls: ['http://*/*', 'https://*/*'], types: TYPES };
const MOST_HEADS = 64;

const failed = (error: unknown) =>
  console.warn('not captured:', error instanceof Error ? error.message : 'unknown');

/** Requests that the rules sent to /nav204: they never went on, so each has to be taken or given back. */
function followRules(parts: Parts): void {
  const heads = new Map<string, Head>();
  chrome.webRequest.onHeadersReceived.addListener(
    (details) => {
      heads.set(details.requestId, readHead(details.responseHeaders));
      if (details.method === 'POST') void forgetForm(details.tabId);
      if (heads.size > MOST_HEADS) heads.delete(heads.keys().next().value!);
      return undefined;
    },
    ALL,
    ['responseHeaders'],
  );
  chrome.webRequest.onBeforeRedirect.addListener((details) => {
    if (new URL(details.redirectUrl).pathname !== '/nav204') return;
    const head = heads.get(details.requestId) ?? readHead([]);
    heads.delete(details.requestId);
    void (async () => {
      // The redirect to /nav204 is another hop of the same request.
      const seen = await parts.observations.upTo(details.requestId, details.url);
      await taken(seen ?? unseen(details), details, head, parts);
    })().catch(async (error: unknown) => {
      failed(error);
      // Given back, a page could fill the disk past the browser's own guard against many downloads.
      if (error instanceof Full) return;
      await parts.givingBack.give({ url: details.url, method: 'GET', headers: [] }).catch(failed);
    });
  }, ALL);
}

/** The background was begun while the request was under way. Rules for forms do not outlive the one that knows the form. */
function unseen(details: chrome.webRequest.OnBeforeRedirectDetails): Observed {
  const initiator = initiatorOf(details);
  return {
    id: details.requestId,
    hops: [{ url: details.url, method: 'GET' }],
    tabId: details.tabId,
    ...(initiator ? { initiator } : {}),
    at: Date.now(),
  };
}

async function taken(seen: Observed, hop: Redirect, head: Head, parts: Parts): Promise<void> {
  const places = await parts.places.all();
  if (!places.some((place) => hop.redirectUrl === `${place.url}/nav204`)) return;
  // A content server may redirect there itself: it gets no further than the rules of the person.
  const settings = await parts.settings();
  if (settings.capture !== 'always') return;
  if (!siteIsCaptured(settings, [hostOf(hop.url), hostOf(seen.initiator ?? '')])) return;
  const known = {
    label: head.label,
    type: head.type,
    ...(head.size === undefined ? {} : { size: head.size }),
  };
  await parts.taking.take(await parts.observations.captured(seen, known));
}

/** The place went away within the seconds for which it was believed: the page that was in front comes back. */
function returnFromErrors(parts: Parts): void {
  chrome.webRequest.onErrorOccurred.addListener((details) => {
    if (details.url.endsWith('/nav204')) void parts.arming.lower();
  }, ALL);
  chrome.tabs.onUpdated.addListener((tabId, changed, tab) => {
    if (changed.status !== 'complete' || tab.pendingUrl || !tab.url?.endsWith('/nav204')) return;
    void parts.places.all().then(async (places) => {
      if (places.some((place) => tab.url === `${place.url}/nav204`)) await chrome.tabs.goBack(tabId);
    });
  });
}

/** Firefox lets us judge the head, and wait with the answer. */
function judgeHeads(parts: Parts): void {
  chrome.webRequest.onHeadersReceived.addListener(
    ((details: chrome.webRequest.OnHeadersReceivedDetails) =>
      judge(details, parts).catch((error: unknown) => {
        failed(error);
        return {};
      })) as never,
    ALL,
    ['blocking', 'responseHeaders'],
  );
}

async function judge(
  details: chrome.webRequest.OnHeadersReceivedDetails,
  parts: Parts,
): Promise<chrome.webRequest.BlockingResponse> {
  const head = readHead(details.responseHeaders);
  const settings = await parts.settings();
  const facts = {
    url: details.url,
    from: hostOf(initiatorOf(details) ?? ''),
    type: head.type,
    saved: head.attachment,
    size: head.size,
  };
  const isRedirect = details.statusCode >= 300 && details.statusCode < 400;
  if (isRedirect || !wanted(settings, facts) || parts.givingBack.isGiven(details.url)) return {};
  const places = await parts.places.all();
  if (places.some((place) => details.url.startsWith(`${place.url}/`))) return {};
  const seen = await parts.observations.upTo(details.requestId, details.url);
  if (!seen || !(await parts.taking.ready(settings))) return {};
  const known = {
    label: head.label,
    type: head.type,
    ...(head.size === undefined ? {} : { size: head.size }),
  };
  const captured = await parts.observations.captured(seen, known);
  if (captured.cannot) return {};
  // The browser gives it up when this returns: by then it is kept.
  await new Promise<void>((kept, failing) => {
    parts.taking.take(captured, () => Promise.resolve(kept())).catch(failing);
  });
  return { cancel: true };
}

export function captureNavigations(parts: Parts): void {
  if (!rulesAreKnown()) return judgeHeads(parts);
  followRules(parts);
  returnFromErrors(parts);
}
