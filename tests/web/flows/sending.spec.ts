// SPDX-License-Identifier: Apache-2.0
import { fitForEverybody } from '../everybody';
import { expect, test } from '../harness';

test('a key made for a phone hands in what is shared, and does nothing else', async ({
  page,
  ana,
  bed,
  playwright,
}) => {
  const { url } = await bed.publish('from-phone.bin', 20_000);
  await page.goto('/sending');
  await fitForEverybody(page, 'sending');

  await page.getByLabel('What is it for?').fill('My telephone');
  await page.getByRole('button', { name: 'Make a key' }).click();
  const key = await page.getByLabel('Key', { exact: true }).inputValue();
  await fitForEverybody(page, 'sending, a key');
  await page.getByRole('button', { name: 'I have put it there' }).click();
  await expect(page.getByLabel('Key', { exact: true })).toHaveCount(0);
  expect(await page.content()).not.toContain(key);

  const phone = await playwright.request.newContext({
    extraHTTPHeaders: { Authorization: `Bearer ${key}` },
  });
  const shared = await phone.post(`${bed.place}/v1/share`, {
    multipart: { url: '', text: `Look: ${url}`, title: 'A page' },
  });
  expect(shared.status(), await shared.text()).toBe(202);
  expect((await phone.get(`${bed.place}/v1/jobs`)).status()).toBe(403);
  await phone.dispose();
  await ana.until('/v1/jobs', (jobs) => jobs[0]?.name === 'from-phone.bin' && jobs[0].state === 'done');
  const { tokens } = await ana.read('/v1/tokens');
  expect(tokens.map((one: any) => one.label)).toEqual(['My telephone']);
});

test('the bookmark opens this place with the address of any page', async ({ page, ana, bed, context }) => {
  const { url } = await bed.ask('write', {
    name: 'elsewhere.html',
    text: '<!doctype html><title>elsewhere</title>',
  });
  await page.goto('/sending');
  const link = page.getByRole('link', { name: 'Send to Restante' });
  const bookmark = (await link.getAttribute('href')) ?? '';
  await link.click();
  await expect(page.getByText('Drag it to your bookmarks; clicking it here does nothing.')).toBeVisible();

  const elsewhere = await context.newPage();
  await elsewhere.goto(String(url));
  const opened = context.waitForEvent('page');
  await elsewhere.evaluate((script) => (0, eval)(script), bookmark.replace('javascript:', ''));
  const here = await opened;

  await expect(here.getByLabel('Paste a link, or drop anything')).toHaveValue(String(url));
  await expect(here).toHaveURL(`${bed.place}/new`);
  expect(await ana.read('/v1/jobs')).toEqual([]);
});
