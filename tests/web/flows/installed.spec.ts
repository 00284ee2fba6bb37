// SPDX-License-Identifier: Apache-2.0
// The app as a thing on a device: its icon, the share menu, and opening it where the place is out of reach.
import type { Page } from '@playwright/test';
import { fitForEverybody } from '../everybody';
import { expect, test } from '../harness';

test.use({ serviceWorkers: 'allow' });

/** Waits until the service worker answers for the pages. */
async function installed(page: Page): Promise<void> {
  await page.goto('/downloads');
  await page.evaluate(() => navigator.serviceWorker.ready);
  await page.reload();
  await expect.poll(() => page.evaluate(() => navigator.serviceWorker.controller !== null)).toBe(true);
}

test('the app can be installed, with an icon of its own', async ({ page, ana, context }) => {
  await page.goto('/downloads');
  const asked = await context.newCDPSession(page);
  const { errors, data } = await asked.send('Page.getAppManifest');
  const manifest = JSON.parse(data ?? '{}');

  expect(errors).toEqual([]);
  for (const icon of manifest.icons) {
    const answer = await page.request.get(icon.src);
    const side = (await answer.body()).readUInt32BE(16);
    expect([answer.headers()['content-type'], `${side}x${side}`], icon.src).toEqual(['image/png', icon.sizes]);
  }
  expect(manifest.icons.map((icon: any) => icon.purpose)).toContain('maskable');
  expect((await ana.read('/v1/session')).account.name).toBe(ana.name);
});

test('where the place cannot be reached the app opens all the same, and says so', async ({ page, ana, context, bed }) => {
  await installed(page);

  await context.setOffline(true);
  await page.goto('/files');
  await expect(page.getByRole('status').first()).toContainText('cannot be reached');
  await fitForEverybody(page, 'opened without the place');
  await context.setOffline(false);

  await expect(page.getByRole('heading', { level: 1 })).toHaveText('My files');
  const kept = await page.evaluate(async () => {
    const addresses: string[] = [];
    for (const name of await caches.keys())
      for (const { url } of await (await caches.open(name)).keys()) addresses.push(new URL(url).pathname);
    return addresses;
  });
  expect(kept.filter((path) => path !== '/' && !/^\/(assets|icons)\//.test(path))).toEqual([]);
  expect(kept.length).toBeGreaterThan(3);
  expect((await ana.call('/v1/files')).status).toBe(200);
  expect(bed.place).toBe(new URL(page.url()).origin);
});

test('what another app shares waits in New download, and nothing is sent by itself', async ({ page, ana, bed }) => {
  const { url } = await bed.publish('shared.bin', 5000);
  await installed(page);

  await page.evaluate((text) => {
    const form = Object.assign(document.createElement('form'), {
      method: 'post',
      action: '/share-target',
      enctype: 'multipart/form-data',
    });
    for (const [name, value] of Object.entries({ title: 'A file', text, url: '' }))
      form.append(Object.assign(document.createElement('input'), { name, value }));
    document.body.append(form);
    form.submit();
  }, `Look at this: ${url}`);

  await expect(page).toHaveURL(/\/new$/);
  await expect(page.getByText('shared.bin').first()).toBeVisible();
  expect(await page.evaluate(() => caches.has('shared'))).toBe(false);
  expect(await ana.read('/v1/jobs')).toEqual([]);
});
