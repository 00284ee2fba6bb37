// SPDX-License-Identifier: Apache-2.0
import { expect, test } from '@playwright/test';
import {
  extensionOf,
  patternsBelow,
  siteIsCaptured,
  wanted,
} from '../../../web/extension/src/background/wants';
import { defaults } from '../../../web/extension/src/common/settings';

/** As declarativeNetRequest reads it: "?" is any character or none. */
function matches(pattern: string, text: string): boolean {
  return new RegExp(`^${pattern.replaceAll('?', '.?')}$`).test(text);
}

test('the patterns for a size match all smaller numbers and no other', () => {
  for (const size of [1, 7, 10, 64, 100, 305, 1000, 9999, 10_000, 65_536]) {
    const patterns = patternsBelow(size);
    for (let number = 0; number <= size * 2 + 11; number += size > 5000 ? 37 : 1)
      expect(
        patterns.some((one) => matches(one, String(number))),
        `${number} below ${size}`,
      ).toBe(number < size);
  }
});

test('a site is meant with all that lies below it, and never is stronger than only', () => {
  const settings = {
    ...defaults,
    sites: { which: 'only' as const, only: ['example.org'], never: ['private.example.org'] },
  };

  expect(siteIsCaptured(settings, ['files.example.org'])).toBe(true);
  expect(siteIsCaptured(settings, ['notexample.org'])).toBe(false);
  expect(siteIsCaptured(settings, ['cdn.example.net', 'www.example.org'])).toBe(true);
  expect(siteIsCaptured(settings, ['private.example.org', 'www.example.org'])).toBe(false);
});

test('what is shown as a page is no download, whatever its address ends with', () => {
  const facts = { from: '', saved: false, size: undefined };

  expect(wanted(defaults, { ...facts, url: 'https://example.org/a.zip', type: 'text/html' })).toBe(false);
  expect(wanted(defaults, { ...facts, url: 'https://example.org/a.zip', type: '' })).toBe(true);
  expect(wanted(defaults, { ...facts, url: 'https://example.org/get?id=1', type: 'application/x-tar' })).toBe(
    true,
  );
  expect(wanted(defaults, { ...facts, url: 'blob:https://example.org/1', type: '', saved: true })).toBe(
    false,
  );
});

test('an address ends like a file by its path alone', () => {
  expect(extensionOf('https://example.org/a/film.MKV?of=x.zip#y.iso')).toBe('mkv');
  expect(extensionOf('https://example.zip/')).toBe('');
  expect(extensionOf('https://example.org/v1.2/')).toBe('');
});
