// SPDX-License-Identifier: Apache-2.0
import { createRequire } from 'node:module';
import { readFileSync } from 'node:fs';
import type { Page } from '@playwright/test';
import { expect } from './harness';

const axeSource = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const rules = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];

/** Words of the code that people must not meet (DESIGN.md §1). */
export const internal =
  /\b(prox(?:y|ies)|jobs?|intermediary|areas?|pair(?:ed|ing)?|held|tokens?|API|JSON|sessions?|daemon|workers?|CSRF|payload|enum|null|undefined|NaN|\[object \w+\])\b/i;

/**
 * Runs axe on the page as it is now. It is injected behind the page's policy, as a tester's tool may. What axe finds too
 * small is looked at again in the middle of the screen: a bar or a message at the screen's edge may have covered it.
 */
async function faults(page: Page): Promise<string[]> {
  await page.evaluate(axeSource);
  return page.evaluate(async (runOnly) => {
    const { axe } = globalThis as any;
    const { violations } = await axe.run(document, { runOnly });
    for (const one of violations.filter(({ id }: any) => id === 'target-size')) {
      const small = [];
      for (const node of one.nodes) {
        document.querySelector(node.target[0])!.scrollIntoView({ block: 'center' });
        if ((await axe.run(node.target[0], { runOnly: [one.id] })).violations.length) small.push(node);
      }
      one.nodes = small;
    }
    return violations
      .filter(({ nodes }: any) => nodes.length)
      .map((one: any) => `${one.id}: ${one.help}: ${one.nodes.map((node: any) => node.html).join(' | ')}`);
  }, rules);
}

export interface LookOptions {
  /** Text of strangers (names that a test chose) in which internal words may stand. */
  ignore?: RegExp;
}

/**
 * What holds in every state of every page: no fault by axe in light, dark and right-to-left, wide and at 320 px; nothing
 * wider than the screen; and no internal word. Leaves the page wide, light and left-to-right.
 */
export async function fitForEverybody(page: Page, state: string, options: LookOptions = {}): Promise<void> {
  const was = page.viewportSize() ?? { width: 1280, height: 720 };
  // What moves is looked at when it rests: half-faded colours are no one's state.
  await page.emulateMedia({ reducedMotion: 'reduce', colorScheme: 'light' });
  const ways = [
    { colorScheme: 'light', dir: 'ltr', width: was.width },
    { colorScheme: 'dark', dir: 'ltr', width: was.width },
    { colorScheme: 'light', dir: 'rtl', width: was.width },
    { colorScheme: 'light', dir: 'ltr', width: 320 },
    { colorScheme: 'dark', dir: 'rtl', width: 320 },
  ] as const;
  for (const { colorScheme, dir, width } of ways) {
    await page.setViewportSize({ width, height: was.height });
    await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
    await page.evaluate((wanted) => {
      document.documentElement.dir = wanted;
    }, dir);
    const where = `${state}, ${colorScheme}, ${dir}, ${width} px`;
    expect(await faults(page), where).toEqual([]);
    const over = await page.evaluate(
      () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
    );
    expect(over, `${where}: sideways scrolling`).toBeLessThanOrEqual(0);
  }
  await page.setViewportSize(was);
  await page.emulateMedia({ colorScheme: 'light', reducedMotion: 'reduce' });
  await page.evaluate(() => {
    document.documentElement.dir = 'ltr';
  });
  await speaksPlainly(page, state, options);
}

/** No internal word in what is seen, nor in the names that a screen reader says. */
export async function speaksPlainly(page: Page, state: string, { ignore }: LookOptions = {}): Promise<void> {
  let said = (await page.locator('body').innerText()) + '\n' + (await page.locator('body').ariaSnapshot());
  if (ignore)
    said = said.replace(
      new RegExp(ignore, ignore.flags.includes('g') ? ignore.flags : ignore.flags + 'g'),
      '',
    );
  const line = said.split('\n').find((one) => internal.test(one));
  expect(line, `${state}: an internal word`).toBeUndefined();
}
