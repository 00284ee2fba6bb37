// SPDX-License-Identifier: Apache-2.0
// Reads what somebody types into the options; what is wrong is said in words, and nothing of it is lost.
import { words } from '../words/pages';

const said = words.optionsOf.wrong;

export type Read<T> = { value: T } | { wrong: string };

export function listed(text: string): string[] {
  return [...new Set(text.split(/[\s,;]+/).filter((one) => one !== ''))];
}

function all(
  text: string,
  tidy: (one: string) => string,
  right: RegExp,
  wrong: (one: string) => string,
): Read<string[]> {
  const value = listed(text).map(tidy);
  const bad = value.find((one) => !right.test(one));
  return bad === undefined ? { value: [...new Set(value)] } : { wrong: wrong(bad) };
}

export const extensions = (text: string): Read<string[]> =>
  all(text, (one) => one.replace(/^\*?\./, '').toLowerCase(), /^[a-z0-9]{1,12}$/, said.extension);

export const types = (text: string): Read<string[]> =>
  all(text, (one) => one.toLowerCase(), /^[a-z0-9!#$&^_.+-]+\/(?:[a-z0-9!#$&^_.+-]+\*?|\*)$/, said.type);

/** As the browser compares them: without scheme, port and path, in ASCII. */
export function sites(text: string): Read<string[]> {
  const value: string[] = [];
  for (const one of listed(text)) {
    try {
      value.push(new URL(/^[a-z]+:\/\//i.test(one) ? one : `http://${one.replace(/^\*\./, '')}`).hostname);
    } catch {
      return { wrong: said.site(one) };
    }
  }
  return { value: [...new Set(value)] };
}

export function megabytes(text: string): Read<number> {
  const value = Number(text.trim().replace(',', '.') || '0');
  return Number.isFinite(value) && value >= 0 && value <= 1e6
    ? { value: Math.round(value * 1e6) }
    : { wrong: said.smallest };
}
