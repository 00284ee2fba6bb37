// SPDX-License-Identifier: Apache-2.0
// What the browser asks for, as it asks: kept for a short while, so that a download can be told as the request that it was. Nothing
// of it is written anywhere.
import { toBase64url } from '@restante/sdk/base64url';
import { cookiesFor, storeOf } from './cookies';
import { fileName, labelOf, sorted, type Captured, type Secrets } from './captured';
import { hostOf } from './wants';

const MOST_REQUESTS = 256;
/**
 * Events of one request come by several ways, in no order. A download rests while the others are waited for; this long only if
 * there was no request, and then it is the browser's again.
 */
const EVENTS_APART_MS = 10_000;
/** How long a server may think before it says that a download comes. */
const EARLIER_MS = 120_000;
const KEPT_FOR_MS = 120_000;
/** Of a document (FORMATS.md §1.5): 64 KiB. */
const MOST_BODY_BYTES = 65_536;

interface Hop {
  url: string;
  method: string;
  body?: Body;
  /** As they were sent; undefined: the browser did not show them. */
  headers?: [string, string][];
}

interface Body {
  type?: string;
  bytes?: Uint8Array<ArrayBuffer>;
  cannot: '' | 'body' | 'upload';
}

/** Of a form: a name with its values. */
type Fields = [string, unknown[]][];

/** One request with its redirects. */
export interface Observed {
  id: string;
  hops: Hop[];
  tabId: number;
  initiator?: string;
  /** Address of the page in the tab. */
  top?: string;
  storeId?: string;
  at: number;
  /** A download was told as this one. */
  used?: boolean;
}

/** Of both browsers. */
interface Details {
  initiator?: string;
  originUrl?: string;
  documentUrl?: string;
  cookieStoreId?: string;
}
type Head = chrome.webRequest.HttpHeader;

export const TYPES = ['main_frame', 'sub_frame', 'other'] as chrome.webRequest.ResourceType[];
const ALL = { urls: ['http://*/*', 'https://*/*'], types: TYPES };

/** The `initiator` of Chromium, from either browser: an origin. */
export function initiatorOf(details: Details): string | undefined {
  const from = details.initiator ?? details.originUrl ?? details.documentUrl;
  if (!from || !/^https?:/.test(from)) return undefined;
  return new URL(from).origin;
}

function pairsOf(headers: Head[] | undefined): [string, string][] {
  return (headers ?? []).flatMap(({ name, value }) => (value === undefined ? [] : [[name, value]]));
}

/** application/x-www-form-urlencoded (URL Standard §5.2): how browsers send forms. */
function urlencoded(fields: Fields): Uint8Array<ArrayBuffer> {
  const form = new URLSearchParams();
  for (const [name, values] of fields) for (const value of values) form.append(name, String(value));
  return new TextEncoder().encode(form.toString());
}

/** In characters, at least: what is larger is not kept, so that no page fills the memory of the background. */
function sizeOf(fields: Fields): number {
  return fields.reduce(
    (sum, [name, values]) =>
      values.reduce<number>((all, value) => all + name.length + String(value).length, sum),
    0,
  );
}

/** RFC 7578, with a boundary of our own: the browser shows the fields only. */
function multipart(fields: Fields): Body {
  const boundary = `----restante${crypto.randomUUID().replaceAll('-', '')}`;
  const quoted = (text: string) =>
    text.replaceAll('"', '%22').replaceAll('\r', '%0D').replaceAll('\n', '%0A');
  const parts = fields.flatMap(([name, values]) =>
    values.map(
      (value) =>
        `--${boundary}\r\nContent-Disposition: form-data; name="${quoted(name)}"\r\n\r\n${String(value).replaceAll(/\r?\n/g, '\r\n')}\r\n`,
    ),
  );
  return {
    type: `multipart/form-data; boundary=${boundary}`,
    bytes: new TextEncoder().encode(`${parts.join('')}--${boundary}--\r\n`),
    cannot: '',
  };
}

function joined(parts: chrome.webRequest.UploadData[]): Body {
  if (parts.some((part) => part.bytes === undefined)) return { cannot: 'upload' };
  const size = parts.reduce((sum, part) => sum + (part.bytes as ArrayBuffer).byteLength, 0);
  if (size > MOST_BODY_BYTES) return { cannot: 'body' };
  const bytes = new Uint8Array(size);
  let at = 0;
  for (const part of parts) {
    bytes.set(new Uint8Array(part.bytes as ArrayBuffer), at);
    at += (part.bytes as ArrayBuffer).byteLength;
  }
  return { bytes, cannot: '' };
}

/** A part of a form that has a file's name: browsers show the parts, and leave some files' contents out. */
function namesFile(raw: Body): boolean {
  return /\bfilename\*?="?[^"\r\n]/.test(new TextDecoder('latin1').decode(raw.bytes));
}

function base64(bytes: Uint8Array): string {
  const text = toBase64url(bytes).replaceAll('-', '+').replaceAll('_', '/');
  return text + '='.repeat((4 - (text.length % 4)) % 4);
}

/** What was sent along, once its Content-Type is known. */
function bodyOf(hop: Hop, form: Fields | undefined, raw: Body | undefined): Body | undefined {
  if (raw) return raw;
  if (!form) return undefined;
  const type = hop.headers?.find(([name]) => name.toLowerCase() === 'content-type')?.[1] ?? '';
  const body = type.startsWith('multipart/')
    ? multipart(form)
    : { bytes: urlencoded(form), cannot: '' as const };
  return (body.bytes?.byteLength ?? 0) > MOST_BODY_BYTES ? { cannot: 'body' } : body;
}

/** What the answer, or the browser, said of it. */
export interface Known {
  /** That the browser would give it; empty: none. */
  label: string;
  type: string;
  size?: number;
}

/** Of one hop of a request. */
function nameOf(hop: { requestId: string; url: string }): string {
  return `${hop.requestId} ${hop.url}`;
}

/** Lives as long as the background; made by main, before the first event. */
export class Observations {
  readonly #requests = new Map<string, Observed>();
  readonly #forms = new Map<string, { form?: Fields; raw?: Body }>();
  /** Headers of hops that were not told yet. */
  readonly #early = new Map<string, { headers: [string, string][]; at: number }>();
  /** By tab: the form that was sent last. */
  readonly #noted = new Map<number, { names: string[]; upload: boolean; at: number }>();
  /** Look again, each time that something was observed. */
  readonly #looks = new Set<() => void>();

  constructor() {
    const extra = (wanted: string[]) =>
      'EXTRA_HEADERS' in (chrome.webRequest.OnSendHeadersOptions ?? {})
        ? [...wanted, 'extraHeaders']
        : wanted;
    chrome.webRequest.onBeforeRequest.addListener(
      (details) => {
        this.#begin(details);
        this.#look();
        return undefined;
      },
      ALL,
      ['requestBody'],
    );
    chrome.webRequest.onSendHeaders.addListener(
      (details) => {
        this.#send(details);
        this.#look();
      },
      ALL,
      extra(['requestHeaders']) as `${chrome.webRequest.OnSendHeadersOptions}`[],
    );
  }

  /** Up to the hop with that address; it may be told a moment later. */
  upTo(requestId: string, url: string): Promise<Observed | undefined> {
    return this.#observed(() => {
      const one = this.#requests.get(requestId);
      const last = one?.hops.findLastIndex((hop) => hop.url === url) ?? -1;
      return one && last >= 0 ? { ...one, hops: one.hops.slice(0, last + 1) } : undefined;
    });
  }

  /** Chromium tells the fields of a form without their order, and a file as its name; the page's script saw more. */
  noteForm(tabId: number, form: { names: string[]; upload: boolean }): void {
    this.#noted.set(tabId, { ...form, at: Date.now() });
  }

  #inOrder(form: Fields | undefined, tabId: number): Fields | undefined {
    const noted = this.#noted.get(tabId);
    if (!form || !noted) return form;
    const place = (name: string) => {
      const at = noted.names.indexOf(name);
      return at < 0 ? noted.names.length : at;
    };
    return [...form].sort(([one], [other]) => place(one) - place(other));
  }

  /**
   * The newest one that led here and is no other download's. It may be told a moment after the download, so an older one of the same
   * address is not taken for it: two forms have one address and other fields.
   */
  byUrl(urls: string[], since: number): Promise<Observed | undefined> {
    return this.#observed(() => {
      const found = [...this.#requests.values()]
        .reverse()
        .find((one) => one.at >= since - EARLIER_MS && !one.used && urls.includes(one.hops.at(-1)!.url));
      if (found) found.used = true;
      return found;
    });
  }

  /** What `find` finds, now or as soon as it was observed; undefined: it is too late for it. */
  #observed<T>(find: () => T | undefined): Promise<T | undefined> {
    return new Promise((done) => {
      const end = (found: T | undefined) => {
        clearTimeout(late);
        this.#looks.delete(look);
        done(found);
      };
      const look = () => {
        const found = find();
        if (found !== undefined) end(found);
      };
      const late = setTimeout(() => end(undefined), EVENTS_APART_MS);
      this.#looks.add(look);
      look();
    });
  }

  #look(): void {
    for (const look of [...this.#looks]) look();
  }

  #begin(details: chrome.webRequest.OnBeforeRequestDetails): void {
    this.#forget();
    const known = this.#requests.get(details.requestId);
    const early = this.#early.get(nameOf(details));
    this.#early.delete(nameOf(details));
    const hop: Hop = {
      url: details.url,
      method: details.method,
      ...(early ? { headers: early.headers } : {}),
    };
    const initiator = initiatorOf(details);
    const store = (details as Details).cookieStoreId;
    if (known) {
      known.hops.push(hop);
    } else {
      this.#requests.set(details.requestId, {
        id: details.requestId,
        hops: [hop],
        tabId: details.tabId,
        ...(initiator ? { initiator } : {}),
        ...(store ? { storeId: store } : {}),
        at: Date.now(),
      });
    }
    const body = details.requestBody;
    if (!body) return;
    const form = Object.entries(body.formData ?? {});
    if (sizeOf(form) > MOST_BODY_BYTES) {
      this.#forms.set(details.requestId, { raw: { cannot: 'body' } });
      return;
    }
    this.#forms.set(details.requestId, {
      ...(body.formData ? { form } : {}),
      ...(body.raw ? { raw: joined(body.raw) } : body.error ? { raw: { cannot: 'body' } } : {}),
    });
  }

  #send(details: chrome.webRequest.OnSendHeadersDetails): void {
    const headers = pairsOf(details.requestHeaders);
    const hop = this.#requests.get(details.requestId)?.hops.at(-1);
    if (hop?.url === details.url) {
      hop.headers = headers;
      return;
    }
    if (this.#early.size < MOST_REQUESTS) this.#early.set(nameOf(details), { headers, at: Date.now() });
  }

  #forget(): void {
    const oldest = Date.now() - KEPT_FOR_MS;
    for (const [id, one] of this.#requests) {
      if (one.at > oldest && this.#requests.size <= MOST_REQUESTS) break;
      this.#requests.delete(id);
      this.#forms.delete(id);
    }
    for (const [name, { at }] of this.#early) if (at < oldest) this.#early.delete(name);
    for (const [tabId, { at }] of this.#noted) if (at < oldest) this.#noted.delete(tabId);
  }

  /**
   * As it would have to be sent again. A chain of GETs begins at its first address, which lives longer than a signed last one; what a
   * POST led to is asked for itself, so that nothing is posted twice without need.
   */
  async captured(observed: Observed, known: Known): Promise<Captured> {
    const posted = observed.hops.findLastIndex((hop) => hop.method !== 'GET');
    const last = observed.hops.length - 1;
    const first = posted < 0 ? 0 : posted === last ? posted : posted + 1;
    const hop = observed.hops[first]!;
    const { form, raw } = this.#forms.get(observed.id) ?? {};
    if (form) await this.#observed(() => hop.headers);
    const fields = this.#inOrder(form, observed.tabId);
    const upload = this.#noted.get(observed.tabId)?.upload || (raw !== undefined && namesFile(raw));
    let body: Body | undefined;
    if (hop.method === 'POST') body = upload ? { cannot: 'upload' } : bodyOf(hop, fields, raw);
    // How a form is written stands in the headers alone: what is not known is not guessed.
    if (fields && !hop.headers) body = { cannot: 'body' };
    const lines = sorted(hop.headers ?? []);
    const open = lines.open.filter(([name]) => !body?.type || name.toLowerCase() !== 'content-type');
    if (body?.type) open.push(['Content-Type', body.type]);
    const top = await pageOf(observed);
    const storeId = observed.storeId ?? (await storeOf(observed.tabId).catch(() => undefined));
    const secrets: Secrets[] = [];
    for (const one of observed.hops.slice(first)) {
      const origin = new URL(one.url).origin;
      const sent = one.headers?.find(([name]) => name.toLowerCase() === 'cookie')?.[1];
      const cookies = await cookiesFor({
        url: one.url,
        storeId,
        top: top ?? one.url,
        sent: one.headers ? (sent ?? '') : undefined,
        initiator: observed.initiator,
      });
      const headers = one === hop ? lines.secret : [];
      const of = secrets.find((same) => same.origin === origin);
      if (of) {
        for (const cookie of cookies)
          if (!of.cookies.some((same) => same.name === cookie.name && same.path === cookie.path))
            of.cookies.push(cookie);
      } else if (cookies.length || headers.length) {
        secrets.push({ origin, cookies, headers });
      }
    }
    const method = hop.method === 'POST' ? 'POST' : 'GET';
    return {
      id: crypto.randomUUID(),
      url: withoutFragment(hop.url),
      method,
      ...(method === 'POST' ? { body: base64(body?.bytes ?? new Uint8Array()) } : {}),
      headers: open,
      secrets,
      name: '',
      label: labelOf(observed.hops[last]!.url, known.label),
      type: known.type,
      ...(known.size === undefined ? {} : { size: known.size }),
      from: hostOf(observed.initiator ?? ''),
      cannot: hop.method !== method ? 'body' : (body?.cannot ?? ''),
      at: Date.now(),
    };
  }
}

/** Address of the page in the tab, which partitions cookies; undefined: the request is the page itself. */
async function pageOf(observed: Observed): Promise<string | undefined> {
  if (observed.tabId < 0) return observed.initiator;
  const tab = await chrome.tabs.get(observed.tabId).catch(() => undefined);
  return tab?.url && /^https?:/.test(tab.url) ? tab.url : observed.initiator;
}

export function withoutFragment(url: string): string {
  const at = url.indexOf('#');
  return at < 0 ? url : url.slice(0, at);
}

/** What was never asked for: an address that somebody clicked. */
export async function capturedLink(link: {
  url: string;
  name: string;
  referrer: string;
  tabId: number;
  storeId?: string;
  page: string;
}): Promise<Captured> {
  const url = withoutFragment(link.url);
  const storeId = link.storeId ?? (await storeOf(link.tabId).catch(() => undefined));
  const initiator = /^https?:/.test(link.page) ? new URL(link.page).origin : undefined;
  const cookies = await cookiesFor({ url, storeId, top: link.page || url, initiator });
  const captured: Captured = {
    id: crypto.randomUUID(),
    url,
    method: 'GET',
    headers: [
      ['User-Agent', navigator.userAgent],
      ...(link.referrer ? ([['Referer', link.referrer]] as [string, string][]) : []),
      ['Accept-Language', navigator.languages.join(', ')],
    ],
    secrets: cookies.length ? [{ origin: new URL(url).origin, cookies, headers: [] }] : [],
    name: fileName(link.name),
    label: labelOf(url, fileName(link.name)),
    type: '',
    from: hostOf(link.page),
    cannot: '',
    at: Date.now(),
  };
  return captured;
}
