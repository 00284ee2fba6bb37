// SPDX-License-Identifier: Apache-2.0
// A request as the browser sent it, or would have: what a download needs to be fetched by somebody else.

export interface Cookie {
  name: string;
  value: string;
  host: string;
  domain?: string;
  path?: string;
  secure?: boolean;
  /** Seconds since 1970. */
  expires?: number;
}

/** Secrets of one origin. */
export interface Secrets {
  origin: string;
  cookies: Cookie[];
  headers: [string, string][];
}

export interface Captured {
  id: string;
  url: string;
  method: 'GET' | 'POST';
  /** Base64. */
  body?: string;
  /** Those that hold no secret. */
  headers: [string, string][];
  secrets: Secrets[];
  /** That the link gave it; empty: its server names it. */
  name: string;
  /** As it is shown. */
  label: string;
  /** Media type without parameters; empty: not known. */
  type: string;
  size?: number;
  /** Host of the page; empty: none. */
  from: string;
  /** It was sent with a file of this device, or with more than a request can carry. */
  cannot: '' | 'body' | 'upload';
  /** Milliseconds since 1970. */
  at: number;
}

/** As it may be shown. */
export function shownUrl(text: string): string {
  const url = new URL(text);
  return url.origin + url.pathname + (url.search ? '?…' : '');
}

const MOST_OF_LABEL = 200;
/** Controls, marks that turn the direction of writing, and letters without width: "gpj.exe" must not be read as "exe.jpg". */
const HIDDEN = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu;

/** A stranger's name as it may be shown; empty: nothing of it. */
function shownName(name: string): string {
  return name.slice(0, MOST_OF_LABEL).replaceAll(HIDDEN, '').trim();
}

/** A name that a link gives, as browsers would make it the name of a file; empty: none. */
export function fileName(name: string): string {
  const made = shownName(name.replaceAll(/[/\\]/g, '_'));
  return /^\.*$/.test(made) ? '' : made;
}

/** The name that it will probably have, as it may be shown. */
export function labelOf(address: string, name: string): string {
  const url = new URL(address);
  const last = url.pathname.split('/').pop() ?? '';
  let decoded = last;
  try {
    decoded = decodeURIComponent(last);
  } catch {
    // Shown as it stands.
  }
  return shownName(name) || shownName(decoded) || url.host;
}

const HARMLESS = new Set([
  'accept',
  'accept-charset',
  'accept-language',
  'cache-control',
  'content-language',
  'content-type',
  'dnt',
  'origin',
  'pragma',
  'priority',
  'referer',
  'save-data',
  'upgrade-insecure-requests',
  'user-agent',
]);
/** Made anew by whoever sends, or only true of this one request. */
const OWN = new Set([
  'accept-encoding',
  'alt-used',
  'connection',
  'content-length',
  'cookie',
  'expect',
  'host',
  'if-match',
  'if-modified-since',
  'if-none-match',
  'if-range',
  'if-unmodified-since',
  'keep-alive',
  'range',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);

/** Sorts the lines of a request into what may be read by everybody and what is a secret (src/proxy/headers.cpp). */
export function sorted(lines: [string, string][]): { open: [string, string][]; secret: [string, string][] } {
  const open: [string, string][] = [];
  const secret: [string, string][] = [];
  for (const [name, value] of lines) {
    const lower = name.toLowerCase();
    if (OWN.has(lower) || lower.startsWith('proxy-')) continue;
    const harmless = HARMLESS.has(lower) || lower.startsWith('sec-fetch-') || lower.startsWith('sec-ch-');
    (harmless ? open : secret).push([name, value]);
  }
  return { open, secret };
}
