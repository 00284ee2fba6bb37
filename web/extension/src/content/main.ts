// SPDX-License-Identifier: Apache-2.0
// Runs within every page: sees clicks on links that are captured before anything is asked for. It reads and changes nothing else.
import type { Decided, Told } from '../common/clicks';
import type { Settings } from '../common/model';
import { loadSettings, onSettings } from '../common/settings';
import { wantedByAddress } from '../background/wants';

const NEAR_EVERY_MS = 5_000;
const MOST_NAMES = 1024;
/** Characters of names and values that stay below 64 KiB also with nine bytes for each (percent-encoded) and with their frames. */
const SMALL = 4096;
const MODIFIERS = ['Alt', 'Control', 'Shift', 'Meta'];

let settings: Settings | undefined;
let toldAt = 0;
/** Followed by us: not to be caught again. */
const followed = new WeakSet<Event>();

/** undefined: the extension is gone or was updated; the page goes on without it. */
async function tell<T>(what: Told): Promise<T | undefined> {
  try {
    return (await chrome.runtime.sendMessage(what)) as T;
  } catch {
    return undefined;
  }
}

function near(): void {
  const now = Date.now();
  if (settings?.capture !== 'always' || now - toldAt < NEAR_EVERY_MS) return;
  toldAt = now;
  void tell({ do: 'near' });
}

type Link = (HTMLAnchorElement | HTMLAreaElement) & { download: string };

function linkOf(event: MouseEvent): Link | undefined {
  for (const one of event.composedPath())
    if (one instanceof HTMLAnchorElement || one instanceof HTMLAreaElement) return one.href ? one : undefined;
  return undefined;
}

/** By the link's own policy, else the browsers' usual one; a page's policy is not looked for. */
function referrerOf(link: Link): string {
  const policy = link.referrerPolicy || 'strict-origin-when-cross-origin';
  if (link.rel.split(/\s+/).includes('noreferrer') || policy === 'no-referrer') return '';
  const to = new URL(link.href);
  const page = location.href.split('#')[0]!;
  if (location.protocol === 'https:' && to.protocol === 'http:' && policy !== 'unsafe-url') return '';
  const same = to.origin === location.origin;
  const full = policy === 'unsafe-url' || (same && !['origin', 'strict-origin'].includes(policy));
  if (policy === 'same-origin' && !same) return '';
  return full ? page : `${location.origin}/`;
}

/** As if nothing had been there; keys that were held would open a tab or save it by other ways. */
function follow(link: Link): void {
  const click = new MouseEvent('click', { bubbles: true, cancelable: true, composed: true, view: window });
  followed.add(click);
  link.dispatchEvent(click);
}

function onClick(event: MouseEvent): void {
  if (!settings || !event.isTrusted || event.defaultPrevented || event.button !== 0 || followed.has(event))
    return;
  const link = linkOf(event);
  if (!link || !/^https?:/.test(link.href)) return;
  const key = settings.key;
  const held = event.getModifierState(key);
  // With other keys somebody wants another tab or window.
  if (MODIFIERS.some((one) => one !== key && event.getModifierState(one))) return;
  // Browsers follow `download` within an origin only.
  const saves = link.hasAttribute('download') && new URL(link.href).origin === location.origin;
  const wanted = wantedByAddress(settings, { url: link.href, from: location.hostname, saves });
  if (settings.capture === 'key' ? !held : !wanted && !held) return;
  event.preventDefault();
  event.stopImmediatePropagation();
  const decide: Told =
    settings.capture === 'always' && held
      ? { do: 'pass', url: link.href }
      : {
          do: 'clicked',
          url: link.href,
          name: saves ? link.download : '',
          referrer: referrerOf(link),
          held,
          saves,
        };
  void tell<Decided>(decide).then((decided) => {
    if (decided?.follow !== false) follow(link);
  });
}

function onSubmit(event: SubmitEvent): void {
  const form = event.target as HTMLFormElement;
  if (settings?.capture !== 'always' || form.method !== 'post') return;
  const fields = [...form.elements] as HTMLInputElement[];
  const names = fields.map((field) => field.name).filter((name) => name !== '');
  const upload = fields.some((field) => field.type === 'file' && field.files?.length);
  const length = fields.reduce((sum, field) => sum + field.name.length + (field.value ?? '').length, 0);
  const small = !upload && fields.length < MOST_NAMES && length < SMALL;
  void tell({ do: 'form', names: [...new Set(names)].slice(0, MOST_NAMES), upload, small });
}

/** The place's page for connecting devices has the code behind '#', which is sent nowhere. */
function offer(): void {
  if (window === window.top && location.pathname.endsWith('/pair') && location.hash.includes('k='))
    void tell({ do: 'pairing', address: location.href });
}

window.addEventListener('click', onClick);
window.addEventListener('submit', onSubmit, true);
for (const event of ['pointerdown', 'keydown'])
  window.addEventListener(event, near, { capture: true, passive: true });
onSettings((fresh) => (settings = fresh));
void loadSettings().then((loaded) => (settings = loaded));
offer();
