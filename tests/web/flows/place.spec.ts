// SPDX-License-Identifier: Apache-2.0
import { fitForEverybody } from '../everybody';
import { expect, signIn, test } from '../harness';

test('who looks after the place sees how it does, and nobody else does', async ({ page, context, olga, ana, bed }) => {
  await signIn(bed, context, bed.admin);
  const later = new Date(Date.now() + 5 * 3_600_000).toISOString();
  await ana.send(`${bed.content}/secret-name.bin`, { when: { start: later } });

  await page.goto('/place');
  await expect(page.getByText('Room on the disk')).toBeVisible();
  await expect(page.getByText('Mail is sent.')).toBeVisible();
  await fitForEverybody(page, 'overview');
  await expect(page.locator('body')).not.toContainText('secret-name');

  const health = await olga.read('/v1/health');
  expect(health.downloads.scheduled).toBeGreaterThanOrEqual(1);
  expect(JSON.stringify(health)).not.toContain('secret-name');
  expect((await ana.call('/v1/health')).status).toBe(403);
  expect((await ana.call('/v1/users')).status).toBe(403);
});

test('a member who opens the pages of the place is told kindly that they are not theirs', async ({ page, ana }) => {
  await page.goto('/place/users');

  await expect(page.getByRole('heading', { level: 1 })).toHaveText('This page is for the people who look after this place.');
  await fitForEverybody(page, 'not for members');
  expect((await ana.call('/v1/invites')).status).toBe(403);
});

test('somebody is added, changed, and removed by typing the name', async ({ asAdmin: page, olga }) => {
  const name = `tim${Date.now() % 1_000_000}`;
  const find = async () => (await olga.read('/v1/users')).users.find((user: { name: string }) => user.name === name);

  await page.goto('/place/users');
  await page.getByRole('button', { name: 'Add somebody' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByLabel('Name', { exact: true }).fill('Not A Name');
  await dialog.getByLabel('May keep (GiB)').fill('lots');
  await expect(dialog.getByText('Write a number')).toBeVisible();
  await dialog.getByLabel('May keep (GiB)').fill('2.5');
  await dialog.getByLabel('All downloads together, in a second (MiB)').fill('1.5');
  await dialog.getByRole('button', { name: 'Add somebody' }).click();
  await expect(dialog.getByRole('alert')).toBeVisible();
  await fitForEverybody(page, 'somebody new, refused');
  await dialog.getByLabel('Name', { exact: true }).fill(name);
  await dialog.getByLabel('Password').fill('three green boats');
  await dialog.getByRole('button', { name: 'Add somebody' }).click();
  await expect(dialog).toBeHidden();
  expect(await find()).toMatchObject({ role: 'user', lan: false, password: true, quota_bytes: 2.5 * 2 ** 30, rate_bytes_per_s: 1.5 * 2 ** 20 });
  await expect(page.getByText('at most 1.5 MiB/s')).toBeVisible();

  await page.getByRole('button', { name: `Change ${name}` }).click();
  await dialog.getByLabel('May do').selectOption('admin');
  await dialog.getByLabel('May keep (GiB)').fill('');
  await dialog.getByLabel('All downloads together, in a second (MiB)').fill('');
  await dialog.getByLabel('May fetch from the private network').check();
  await dialog.getByRole('button', { name: 'Save' }).click();
  await expect(dialog).toBeHidden();
  const changed = await find();
  expect(changed).toMatchObject({ role: 'admin', lan: true });
  expect(changed).not.toHaveProperty('quota_bytes');
  expect(changed).not.toHaveProperty('rate_bytes_per_s');
  await fitForEverybody(page, 'people');

  await page.getByRole('button', { name: `Remove ${name}` }).click();
  await expect(dialog.getByRole('button', { name: 'Remove', exact: true })).toBeDisabled();
  await fitForEverybody(page, 'removing somebody');
  await dialog.getByLabel(`To go on, write ${name} here`).fill(name);
  await dialog.getByRole('button', { name: 'Remove', exact: true }).click();
  await expect(dialog).toBeHidden();
  expect(await find()).toBeUndefined();
});

test('a guest is invited by an address that is shown once, and the stay is ended', async ({ asAdmin: page, olga, bed }) => {
  const label = `Room ${Date.now() % 1_000_000}`;
  const find = async () => (await olga.read('/v1/invites')).invites.find((one: { label?: string }) => one.label === label);

  await page.goto('/place/guests');
  await page.getByRole('button', { name: 'Invite a guest' }).click();
  const dialog = page.getByRole('dialog');
  await fitForEverybody(page, 'inviting');
  await dialog.getByLabel('What you call the guest').fill(label);
  await dialog.getByLabel('May keep (GiB)').fill('1');
  await dialog.getByRole('button', { name: 'Make the invitation' }).click();
  const address = await dialog.getByRole('textbox', { name: 'Address' }).inputValue();
  await expect(dialog.getByRole('img', { name: 'QR code' })).toBeVisible();
  await fitForEverybody(page, 'the invitation', { ignore: /http:\S+/ });
  await dialog.getByRole('button', { name: 'Done' }).click();
  await expect(page.locator('body')).not.toContainText(address);
  const guest = await find();
  expect(guest).toMatchObject({ state: 'here', connected: false, quota_bytes: 2 ** 30 });

  // The address lets the guest in.
  const code = new URLSearchParams(new URL(address).hash.slice(1)).get('c');
  const entered = await olga.request.post(`${bed.place}/v1/session`, { data: { code } });
  expect((await entered.json()).account).toMatchObject({ name: guest.name, role: 'guest' });

  await page.reload();
  await expect(page.getByRole('listitem').filter({ hasText: label })).toContainText('has opened the invitation');
  await fitForEverybody(page, 'guests');
  await page.getByRole('button', { name: `End the stay of ${label}` }).click();
  await fitForEverybody(page, 'ending a stay');
  await dialog.getByRole('button', { name: 'End the stay' }).click();
  await expect(dialog).toBeHidden();
  expect(await find()).toMatchObject({ state: 'leaving' });
});

test('the plan of the week says how much begins when, and not whose or what', async ({ page, context, olga, ana, bed }) => {
  await signIn(bed, context, bed.admin);
  const later = new Date(Date.now() + 30 * 3_600_000).toISOString();
  await ana.send(`${bed.content}/secret-name.bin`, { when: { start: later } });

  await page.goto('/place/week');
  await expect(page.getByRole('table')).toBeVisible();
  await fitForEverybody(page, 'plan of the week');
  await expect(page.locator('body')).not.toContainText('secret-name');

  const week = await olga.read('/v1/week');
  const hour = later.slice(0, 13);
  expect(week.hours.some((one: { at: string; downloads: number }) => one.at.startsWith(hour) && one.downloads >= 1)).toBe(true);
  expect(JSON.stringify(week)).not.toContain('secret-name');
  expect((await ana.call('/v1/week')).status).toBe(403);
});

test('what failed is told by reason with what helps, also when the downloads are gone', async ({ page, context, olga, ana, bed }) => {
  await signIn(bed, context, bed.admin);
  const count = async () => {
    const { days } = await olga.read('/v1/failures');
    return days.reduce((sum: number, day: { reasons: Record<string, number> }) => sum + (day.reasons['not-found'] ?? 0), 0);
  };
  const before = await count();
  const { id } = await ana.send(`${bed.content}/missing`);
  await ana.until(`/v1/jobs/${id}`, (job) => job.state === 'failed');
  await ana.call(`/v1/jobs/${id}`, { method: 'DELETE' });

  await page.goto('/place/failures');
  await expect(page.getByRole('rowheader', { name: 'It does not exist' })).toBeVisible();
  await fitForEverybody(page, 'failures');
  await page.getByLabel('How far back').selectOption('2 days');
  await expect(page.getByRole('rowheader', { name: 'It does not exist' })).toBeVisible();

  await expect.poll(count).toBe(before + 1);
  expect((await ana.call(`/v1/jobs/${id}`)).status).toBe(404);
});
