// SPDX-License-Identifier: Apache-2.0
import type { Page } from '@playwright/test';
import { fitForEverybody } from '../everybody';
import { expect, test, type Bed } from '../harness';

/** The address itself has an internal word in it. */
const address = /\S*\/pair#\S+/;

/** A user of whom no browser is signed in. */
async function stranger(bed: Bed): Promise<{ name: string; password: string; connect: string }> {
  const { name, password, connect } = await bed.ask('user');
  return { name: String(name), password: String(password), connect: String(connect) };
}

async function signIn(page: Page, name: string, password: string): Promise<void> {
  await page.getByLabel('Name', { exact: true }).fill(name);
  await page.getByLabel('Password', { exact: true }).fill(password);
  await page.getByRole('button', { name: 'Sign in' }).click();
}

test('a person signs in and comes to the page that was wanted', async ({ page, bed, playwright }) => {
  const ana = await stranger(bed);
  await page.goto('/files');
  await expect(page.getByRole('heading', { level: 1 })).toHaveText('Sign in to Harbour Hotel');
  await fitForEverybody(page, 'signing in');

  await signIn(page, ana.name, 'not this one');
  await expect(page.getByRole('alert')).toContainText('do not belong together');
  await expect(page.getByLabel('Password', { exact: true })).toHaveValue('');
  await fitForEverybody(page, 'signing in, refused');
  await signIn(page, ana.name, ana.password);

  await expect(page).toHaveURL(/\/files$/);
  const asked = await page.request.get(`${bed.place}/v1/session`);
  expect((await asked.json()).account.name).toBe(ana.name);
  const cookies = await page.context().cookies();
  expect(cookies.map(({ httpOnly, sameSite }) => ({ httpOnly, sameSite }))).toEqual([{ httpOnly: true, sameSite: 'Strict' }]);
  expect(await page.content()).not.toContain(ana.password);
  const outside = await playwright.request.newContext();
  expect((await outside.get(`${bed.place}/v1/session`)).status()).toBe(401);
  await outside.dispose();
});

test('after signing in nobody is led to another place', async ({ page, bed }) => {
  const ana = await stranger(bed);
  await page.goto('/sign-in?to=' + encodeURIComponent('//evil.example/x'));

  await signIn(page, ana.name, ana.password);

  await expect(page).toHaveURL(`${bed.place}/downloads`);
  expect((await page.request.get(`${bed.place}/v1/session`)).status()).toBe(200);
});

test('who guesses is told how long to wait, and a connecting address still lets in', async ({ page, bed }) => {
  // A place of its own: the others sign in from the same address.
  const { url } = await bed.ask('fresh');
  await bed.ask('run_fresh', { arguments: ['user', 'add', 'ana'] });
  const { out } = await bed.ask('run_fresh', { arguments: ['pair', 'ana'] });
  await page.goto(`${url}/sign-in`);
  const guess = async () => {
    const answer = await page.request.post(`${url}/v1/session`, { data: { user: 'ana', password: 'guess' } });
    return Number(answer.headers()['retry-after'] ?? 0);
  };
  await expect.poll(guess, { intervals: [100], timeout: 30_000 }).toBeGreaterThan(6);

  await signIn(page, 'ana', 'guess');
  await expect(page.getByRole('timer')).toContainText('The next one is heard in');
  await expect(page.getByRole('button', { name: 'Sign in' })).toBeDisabled();
  await fitForEverybody(page, 'signing in, waiting');

  await page.goto(String(out).trim());
  await page.getByRole('button', { name: 'Connect this browser' }).click();
  await expect(page).toHaveURL(/\/downloads$/);
  expect((await (await page.request.get(`${url}/v1/session`)).json()).account.name).toBe('ana');
});

test('an invited guest connects by the button and not by looking', async ({ page, bed, olga, context }) => {
  const from = new Date(Date.now() - 60_000).toISOString();
  const until = new Date(Date.now() + 86_400_000).toISOString();
  const { body } = await olga.call('/v1/invites', { method: 'POST', body: { from, until, label: 'Room 12' } });
  const url = String(body.url);
  for (let i = 0; i < 5; ++i) await page.request.get(`${bed.place}/pair`);

  await page.goto(url);
  await expect(page.getByText('You are invited')).toBeVisible();
  await expect(page).toHaveURL(`${bed.place}/pair`);
  expect(await page.evaluate(() => JSON.stringify([history.state, document.referrer]))).not.toContain('c=');
  await page.getByText('Or a computer that has the restante command').click();
  await expect(page.getByLabel('Command')).toHaveValue(`restante place add NAME '${url}'`);
  await fitForEverybody(page, 'connecting', { ignore: address });
  expect(await context.cookies()).toEqual([]);
  await page.getByRole('button', { name: 'Connect this browser' }).click();

  await expect(page).toHaveURL(/\/downloads$/);
  const { account } = await (await page.request.get(`${bed.place}/v1/session`)).json();
  expect(account.role).toBe('guest');
  await page.goto('/me');
  await expect(page.getByText('a guest', { exact: true })).toBeVisible();
  await expect(page.getByText('Your stay')).toBeVisible();

  await page.goto(url);
  await page.getByRole('button', { name: 'Connect this browser' }).click();
  await expect(page.getByRole('heading', { level: 1 })).toHaveText('This address was used already, or is too old');
  await fitForEverybody(page, 'connecting, refused');
  await page.goto('/pair');
  await expect(page.getByRole('heading', { level: 1 })).toHaveText('This address is not whole');
});

test('another device is connected by an address, is told of, and is disconnected', async ({ page, ana, bed, playwright }) => {
  await page.goto('/me');
  await page.getByRole('button', { name: 'Connect a device' }).click();
  await expect(page.getByRole('img', { name: 'QR code of the address' })).toBeVisible();
  const url = await page.getByLabel('Address', { exact: true }).inputValue();
  await fitForEverybody(page, 'me, connecting a device', { ignore: address });

  const other = await playwright.request.newContext({ userAgent: 'Mozilla/5.0 (X11; Linux x86_64) Firefox/130.0' });
  const code = new URLSearchParams(new URL(url).hash.slice(1)).get('c');
  const inside = await other.post(`${bed.place}/v1/session`, { data: { code } });
  expect(inside.status()).toBe(201);
  const { token } = await inside.json();
  await expect(page.getByText('Connected:')).toBeVisible();
  expect(await page.content()).not.toContain(String(code));
  await fitForEverybody(page, 'me, a device is connected');
  await page.getByRole('button', { name: 'Done' }).click();

  await page.getByRole('button', { name: /^Disconnect .*Firefox/ }).click();
  await fitForEverybody(page, 'me, disconnecting');
  await page.getByRole('dialog').getByRole('button', { name: 'Disconnect' }).click();
  await expect(page.getByRole('dialog')).toHaveCount(0);
  const after = await other.get(`${bed.place}/v1/session`, { headers: { Authorization: `Bearer ${token}` } });
  expect(after.status()).toBe(401);
  await other.dispose();
  const { sessions } = await ana.read('/v1/devices');
  expect(sessions.some((one: any) => /Firefox/.test(one.label))).toBe(false);
});

test('a key for a program is shown once, works, and is taken back', async ({ page, ana, bed, playwright }) => {
  await page.goto('/me');
  const keys = page.getByRole('region', { name: 'Keys for programs' });
  await keys.getByLabel('What is it for?').fill('The <b>TV</b>');
  await keys.getByRole('button', { name: 'Make a key' }).click();
  const key = await keys.getByLabel('Key', { exact: true }).inputValue();
  await fitForEverybody(page, 'me, a key');
  await keys.getByRole('button', { name: 'I have put it there' }).click();
  expect(await page.content()).not.toContain(key);
  const program = await playwright.request.newContext({ extraHTTPHeaders: { Authorization: `Bearer ${key}` } });
  expect((await program.get(`${bed.place}/v1/files`)).status()).toBe(200);

  await keys.getByRole('button', { name: 'Take back the key The <b>TV</b>' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Take back' }).click();
  await expect(keys.getByText('No program has a key.')).toBeVisible();

  expect((await program.get(`${bed.place}/v1/files`)).status()).toBe(401);
  await program.dispose();
  expect((await ana.read('/v1/tokens')).tokens).toEqual([]);
});

test('a stored sign-in is used by itself and only its name is seen again', async ({ page, ana, bed }) => {
  await page.goto('/me');
  const logins = page.getByRole('region', { name: 'Stored sign-ins' });
  await logins.getByLabel('Server').fill(bed.content);
  await logins.getByLabel('How?').selectOption('Cookies');
  await logins.getByLabel(/^Cookies/).fill('sid=K4N4RY');
  await logins.getByRole('button', { name: 'Store' }).click();
  await expect(logins.getByRole('listitem')).toContainText('sid');
  expect(await page.content()).not.toContain('K4N4RY');
  await fitForEverybody(page, 'me, a stored sign-in');

  await ana.have(`${bed.content}/members`);
  const stored = await ana.read('/v1/logins');
  expect(JSON.stringify(stored)).not.toContain('K4N4RY');
  expect(stored.logins[0]).toMatchObject({ origin: bed.content, kind: 'cookie', label: 'sid' });

  await logins.getByRole('button', { name: `Remove the sign-in for ${bed.content}` }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Remove' }).click();
  await expect(logins.getByText('No sign-in is stored.')).toBeVisible();
  expect((await ana.read('/v1/logins')).logins).toEqual([]);
  const { id } = await ana.send(`${bed.content}/members`, { limits: { attempts: 1 } });
  await ana.until(`/v1/jobs/${id}`, (job) => job.state === 'held' || job.state === 'failed');
});

test('a sign-in for SFTP names the server by its fingerprint', async ({ page, ana }) => {
  const key = `SHA256:${'a'.repeat(43)}`;
  await page.goto('/me');
  const logins = page.getByRole('region', { name: 'Stored sign-ins' });
  await expect(logins.getByLabel('Fingerprint of the server')).toHaveCount(0);
  await logins.getByLabel('Server', { exact: true }).fill('sftp://files.example.org');
  await logins.getByLabel('Name', { exact: true }).fill('ana');
  await logins.getByLabel('Fingerprint of the server').fill('SHA256:short');
  await logins.getByLabel('Password', { exact: true }).fill('K4N4RY');
  await logins.getByRole('button', { name: 'Store' }).click();
  await expect(logins.getByRole('alert')).toContainText('fingerprint');
  await fitForEverybody(page, 'me, a fingerprint that is none');

  await logins.getByLabel('Fingerprint of the server').fill(key);
  await logins.getByLabel('Password', { exact: true }).fill('K4N4RY');
  await logins.getByRole('button', { name: 'Store' }).click();
  await expect(logins.getByRole('listitem')).toContainText('sftp://files.example.org');

  const stored = await ana.read('/v1/logins');
  expect(stored.logins).toMatchObject([{ origin: 'sftp://files.example.org', kind: 'basic', label: 'ana' }]);
});

test('a sign-in that cannot be stored says why, and forgets what was typed', async ({ page, ana }) => {
  await page.goto('/me');
  const logins = page.getByRole('region', { name: 'Stored sign-ins' });
  await logins.getByLabel('Server').fill('files.example.org');
  await logins.getByLabel('How?').selectOption('Cookies');
  await logins.getByLabel(/^Cookies/).fill('no cookie');
  await logins.getByRole('button', { name: 'Store' }).click();

  await expect(logins.getByRole('alert')).toContainText('These are not cookies');
  await expect(logins.getByLabel(/^Cookies/)).toHaveValue('');
  await fitForEverybody(page, 'me, a refused sign-in');
  expect((await ana.read('/v1/logins')).logins).toEqual([]);
});

test('a mail address is confirmed by its message, tested and removed', async ({ page, ana, bed }) => {
  const to = `${ana.name}@example.org`;
  await page.goto('/me');
  const notices = page.getByRole('region', { name: 'Notices' });
  await notices.getByLabel('Mail address').fill(to);
  await notices.getByRole('button', { name: 'Add' }).click();
  await expect(notices.getByRole('listitem')).toContainText('waits to be confirmed');
  await fitForEverybody(page, 'me, a notice that waits');
  const mailed = async () => (await bed.ask('mails', { to }))['mails'] as { text: string }[];
  await expect.poll(async () => (await mailed()).length).toBe(1);
  const link = /https?:\/\/\S+\/notify\/confirm\/\S+/.exec((await mailed())[0]!.text)![0];
  expect((await page.request.post(link, { headers: { Origin: bed.place } })).status()).toBe(200);

  await page.reload();
  await notices.getByRole('button', { name: `Send a test to ${to}` }).click();
  await expect.poll(async () => (await mailed()).length).toBe(2);
  await notices.getByRole('button', { name: `Remove ${to}` }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Remove' }).click();
  await expect(notices.getByText('You are told in this app only.')).toBeVisible();

  expect((await ana.read('/v1/contacts')).contacts).toEqual([]);
});

test('another password signs the other browsers out and not this one', async ({ page, ana, bed }) => {
  await page.goto('/me');
  const password = page.getByRole('region', { name: 'Password' });
  const change = async (old: string) => {
    await password.getByLabel('Present password').fill(old);
    await password.getByLabel('New password').fill('battery staple 2');
    await password.getByRole('button', { name: 'Change the password' }).click();
  };
  await change('not this one');
  await expect(password.getByRole('alert')).toContainText('The present password is wrong.');
  await fitForEverybody(page, 'me, a wrong password');
  await change(ana.password);
  await expect(page.getByText('The password is changed; all other browsers are signed out.')).toBeVisible();

  expect((await page.request.get(`${bed.place}/v1/session`)).status()).toBe(200);
  expect((await ana.call('/v1/session')).status, 'the other one').toBe(401);
  const enter = (given: string) =>
    ana.request.post(`${bed.place}/v1/session`, { data: { user: ana.name, password: given } });
  expect((await enter(ana.password)).status()).toBe(401);
  expect((await enter('battery staple 2')).status()).toBe(201);
});

test('who signs out is out, here and at the place', async ({ page, ana, bed }) => {
  const { sessions } = await ana.read('/v1/devices');
  await page.goto('/me');
  await page.getByRole('region', { name: 'Account' }).getByRole('button', { name: 'Sign out' }).click();

  await expect(page).toHaveURL(/\/sign-in/);
  expect((await page.request.get(`${bed.place}/v1/session`)).status()).toBe(401);
  const left = (await ana.read('/v1/devices')).sessions;
  expect(left).toHaveLength(sessions.length - 1);
});
