// SPDX-License-Identifier: Apache-2.0
// Which downloads are captured: the person's rules, as plain functions.
import type { Settings } from '../common/model';

/** What is known of a download at some moment. */
export interface Facts {
  url: string;
  /** Host of the page that it was asked for from; empty: none. */
  from: string;
  /** Media type without parameters, lower case; empty: not known yet. */
  type: string;
  /** Content-Disposition says attachment, or the browser saves it by its own judgement. */
  saved: boolean;
  /** Bytes, if they are known. */
  size?: number | undefined;
}

export function hostOf(url: string): string {
  try {
    return new URL(url).hostname;
  } catch {
    return '';
  }
}

/** Whether a host is one of these or below one of them. */
export function isOf(host: string, names: string[]): boolean {
  return names.some((name) => host === name || host.endsWith(`.${name}`));
}

/** "zip" of https://host/a/b.zip?c; empty: none. */
export function extensionOf(url: string): string {
  let path: string;
  try {
    path = new URL(url).pathname;
  } catch {
    return '';
  }
  return /\.([A-Za-z0-9]{1,12})$/.exec(path)?.[1]?.toLowerCase() ?? '';
}

export function isType(type: string, patterns: string[]): boolean {
  return patterns.some((pattern) =>
    pattern.endsWith('*') ? type.startsWith(pattern.slice(0, -1)) : type === pattern,
  );
}

/** Whether anything of this site may be captured at all. */
export function siteIsCaptured(settings: Settings, hosts: string[]): boolean {
  const known = hosts.filter((host) => host !== '');
  const { which, only, never } = settings.sites;
  if (known.some((host) => isOf(host, never))) return false;
  return which === 'all' || known.some((host) => isOf(host, only));
}

/** Before anything was asked for. `saves`: the link says that what it leads to is to be saved, and browsers follow that. */
export function wantedByAddress(
  settings: Settings,
  link: { url: string; from: string; saves: boolean },
): boolean {
  if (settings.capture !== 'always' || settings.smallest > 0 || !/^https?:/.test(link.url)) return false;
  const named = link.saves || settings.extensions.includes(extensionOf(link.url));
  return named && siteIsCaptured(settings, [hostOf(link.url), link.from]);
}

/** When its head, or the browser's own judgement, is known. */
export function wanted(settings: Settings, facts: Facts): boolean {
  if (settings.capture !== 'always' || !/^https?:/.test(facts.url)) return false;
  if (!siteIsCaptured(settings, [hostOf(facts.url), facts.from])) return false;
  if (facts.size !== undefined && facts.size < settings.smallest) return false;
  return (
    facts.saved ||
    isType(facts.type, settings.types) ||
    // A page that is called like a file is shown, not saved.
    (settings.extensions.includes(extensionOf(facts.url)) && !facts.type.startsWith('text/html'))
  );
}

/**
 * Texts that match the decimal numbers below this one, where "?" stands for any character or none (declarativeNetRequest). A size
 * cannot be compared there.
 */
export function patternsBelow(number: number): string[] {
  const digits = String(Math.floor(number));
  const out = digits.length > 1 ? ['?'.repeat(digits.length - 1)] : [];
  for (let at = 0; at < digits.length; at += 1)
    for (let digit = at === 0 && digits.length > 1 ? 1 : 0; digit < Number(digits[at]); digit += 1)
      out.push(digits.slice(0, at) + digit + '?'.repeat(digits.length - at - 1));
  return out;
}
