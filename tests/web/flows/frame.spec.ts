// SPDX-License-Identifier: Apache-2.0
import { fitForEverybody } from '../everybody';
import { expect, test } from '../harness';

test('somebody who is not signed in is asked to, and told nothing', async ({ page, bed }) => {
  await page.goto('/downloads');

  await expect(page).toHaveURL(/\/sign-in\?to=%2Fdownloads/);
  const asked = await page.request.get(`${bed.place}/v1/jobs`);
  expect(asked.status()).toBe(401);
});

test('an address that is no page says so and leads back', async ({ page, ana }) => {
  await page.goto('/downloads');
  await page.evaluate(() => {
    history.pushState(null, '', '/nothing-here');
    dispatchEvent(new PopStateEvent('popstate'));
  });

  await expect(page.getByRole('heading', { level: 1 })).toHaveText('There is no such page.');
  await fitForEverybody(page, 'no such page');
  await page.getByRole('link', { name: 'To the downloads' }).click();
  await expect(page).toHaveURL(/\/downloads$/);
  expect((await ana.read('/v1/session')).account.name).toBe(ana.name);
});

test('the place restarts and the page recovers by itself', async ({ page, ana, bed }) => {
  await page.goto('/downloads');
  await expect(page.getByRole('heading', { level: 1 })).toHaveText('Downloads');

  await bed.ask('stop');
  await expect(page.getByRole('status')).toContainText('cannot be reached');
  await fitForEverybody(page, 'the place is away');
  await bed.ask('start');

  await expect(page.getByRole('status')).toBeEmpty();
  expect((await ana.read('/v1/session')).account.name).toBe(ana.name);
});
