// SPDX-License-Identifier: Apache-2.0
import type { Page } from '@playwright/test';
import { fitForEverybody } from '../everybody';
import { expect, test, type Bed } from '../harness';

test.describe.configure({ mode: 'serial' });

/** A place without users, and the address that sets it up. */
async function fresh(bed: Bed): Promise<{ url: string; address: string }> {
  const { url } = await bed.ask('fresh');
  const { out, code, err } = await bed.ask('run_fresh', { arguments: ['setup'] });
  expect(code, String(err)).toBe(0);
  const address = String(out).trim();
  expect(address).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/setup#c=[A-Za-z0-9_-]{22}$/);
  return { url: String(url), address };
}

async function fill(page: Page, name: string, password: string, again = password): Promise<void> {
  await page.getByLabel('Your name here').fill(name);
  await page.getByLabel('Password', { exact: true }).fill(password);
  await page.getByLabel('Password, once more').fill(again);
}

test('the one-time address makes the first user, who looks after the place, and works once', async ({ page, bed }) => {
  const { url, address } = await fresh(bed);
  expect(await (await page.request.get(`${url}/v1/setup`)).json()).toEqual({ needed: true });

  await page.goto(address);
  await expect(page.getByRole('heading', { level: 1 })).toHaveText('Set this place up');
  await fitForEverybody(page, 'set up');
  expect(page.url(), 'the code has left the address').toBe(`${url}/setup`);
  await fill(page, 'maria', 'short');
  await expect(page.getByText('Strength: too short')).toBeVisible();
  await fill(page, 'maria', 'three green boats at sea', 'three green boats');
  await expect(page.getByText('Strength: good')).toBeVisible();
  await page.getByRole('button', { name: 'Begin' }).click();
  await expect(page.getByText('The two passwords are not the same.')).toBeVisible();
  await fitForEverybody(page, 'two passwords that differ');
  await page.getByLabel('Password, once more').fill('three green boats at sea');
  await page.getByRole('button', { name: 'Begin' }).click();
  await expect(page).toHaveURL(/\/downloads$/);

  const signIn = { user: 'maria', password: 'three green boats at sea' };
  const entered = await page.request.post(`${url}/v1/session`, { data: signIn });
  expect(entered.status()).toBe(201);
  const { account, token } = await entered.json();
  expect(account).toMatchObject({ name: 'maria', role: 'admin' });
  const headers = { Authorization: `Bearer ${token}` };
  const { users } = await (await page.request.get(`${url}/v1/users`, { headers })).json();
  expect(users.map((user: { name: string }) => user.name)).toEqual(['maria']);
  const code = new URL(address).hash.slice(3);
  const again = await page.request.post(`${url}/v1/setup`, { data: { code, name: 'eve', password: 'correct horse' } });
  expect(again.status()).toBe(409);
});

test('a place that is set up says so, and a wrong code opens nothing', async ({ page, bed }) => {
  const { url } = await fresh(bed);

  await page.goto(`${url}/setup`);
  await expect(page.getByRole('heading', { level: 1 })).toHaveText('The address has no code');
  await fitForEverybody(page, 'no code');
  await page.goto('about:blank');
  await page.goto(`${url}/setup#c=AAAAAAAAAAAAAAAAAAAAAA`);
  await fill(page, 'eve', 'three green boats at sea');
  await page.getByRole('button', { name: 'Begin' }).click();
  await expect(page.getByRole('alert').filter({ hasText: 'no longer good' })).toBeVisible();
  await fitForEverybody(page, 'a wrong code');
  expect(await (await page.request.get(`${url}/v1/setup`)).json()).toEqual({ needed: true });

  await page.goto(`${bed.place}/setup`);
  await expect(page.getByRole('heading', { level: 1 })).toHaveText('This place is set up already');
  await fitForEverybody(page, 'set up already');
  expect(await (await page.request.get(`${bed.place}/v1/setup`)).json()).toEqual({ needed: false });
});
