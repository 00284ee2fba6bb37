// SPDX-License-Identifier: Apache-2.0
import { done, expect, test, type Extension } from './harness';

/** An event as the browser brings it. */
async function happens(extension: Extension, event: string, given: unknown): Promise<void> {
  const worker = await extension.worker();
  await worker.evaluate(
    ([path, value]) =>
      String(path)
        .split('.')
        .reduce((at, part) => at[part], (globalThis as any).chrome)
        .dispatch(value),
    [event, given] as const,
  );
}

async function shown(extension: Extension): Promise<string[]> {
  const worker = await extension.worker();
  return worker.evaluate(async () => Object.keys(await (globalThis as any).chrome.notifications.getAll()));
}

async function badge(extension: Extension): Promise<string> {
  const worker = await extension.worker();
  return worker.evaluate(() => (globalThis as any).chrome.action.getBadgeText({}));
}

test('when a download is there somebody is told, and a click on that brings it', async ({
  ana,
  extension,
  origin,
  page,
}) => {
  await page.goto(`${origin.url}/page`);
  await page.click('#attachment');
  const [job] = await done(ana, 1);
  await expect.poll(() => shown(extension)).toContainEqual(expect.stringMatching(/^sent /));

  await happens(extension, 'alarms.onAlarm', { name: 'look' });
  await expect.poll(() => shown(extension)).toContain(`done ${job!['id']}`);
  await happens(extension, 'notifications.onClicked', `done ${job!['id']}`);

  await expect
    .poll(async () => (await extension.downloads()).map((one) => [one['state'], one['bytesReceived']]))
    .toEqual([['complete', 300_000]]);
  expect(await ana.read('/v1/links')).toHaveLength(1);
  expect(await shown(extension)).not.toContain(`done ${job!['id']}`);
  await extension.forgetDownloads();
});

test('the badge counts what waits for a choice, and what could not be sent', async ({
  ana,
  bed,
  extension,
  origin,
  page,
}) => {
  await extension.set({ mode: 'ask', whenDown: 'wait' });
  await page.goto(`${origin.url}/page`);
  await page.click('#attachment');
  await expect.poll(() => badge(extension)).toBe('1');

  await bed.ask('stop');
  const { asked, places } = await extension.state();
  await extension.ask({
    do: 'choose',
    id: asked[0].id,
    wish: { place: places[0].jkt, when: { kind: 'now' } },
  });
  await expect.poll(async () => (await extension.state()).waiting.length).toBe(1);
  expect(await badge(extension)).toBe('1');
  await bed.ask('start');
  await happens(extension, 'alarms.onAlarm', { name: 'outbox' });

  await done(ana, 1);
  await expect.poll(() => badge(extension)).toBe('');
});
