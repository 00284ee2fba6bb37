// SPDX-License-Identifier: Apache-2.0
import { fitForEverybody } from '../everybody';
import { expect, test } from '../harness';

test('a request made without a connection is sent when the place is there again, once', async ({
  page,
  ana,
  bed,
  context,
}) => {
  const { url } = await bed.publish('off-line.bin', 20_000);
  await page.goto('/travel');
  await fitForEverybody(page, 'travel, not connected');
  await page.getByRole('button', { name: 'Let this browser make requests' }).click();
  await expect(page.getByLabel('Address of the file')).toBeVisible();
  await fitForEverybody(page, 'travel');
  const { devices } = await ana.read('/v1/devices');
  expect(devices.map((one: any) => one.kind)).toContain('browser');

  await context.setOffline(true);
  await page.getByLabel('Address of the file').fill('not an address');
  await page.getByLabel('Address of the file').evaluate((field: HTMLInputElement) => (field.type = 'text'));
  await page.getByRole('button', { name: 'Ask for it' }).click();
  await expect(page.getByText('This is not a whole address.')).toBeVisible();
  await page.getByLabel('Address of the file').fill(url);
  await page.getByLabel('Folder').fill('from the train');
  await page.getByRole('button', { name: 'Ask for it' }).click();
  const waiting = page.getByRole('region', { name: 'Not sent yet' });
  await expect(waiting).toContainText('off-line.bin');
  await waiting.getByRole('button', { name: 'Send another way' }).click();
  const link = await waiting.getByLabel('Link with the sealed request').inputValue();
  expect(link).toMatch(/^http.*\/p#[\w-]+(\.[\w-]+){4}$/);
  await fitForEverybody(page, 'travel, waiting');
  expect(await page.evaluate(() => JSON.stringify(localStorage) + document.cookie)).not.toContain(url);
  expect((await ana.read('/v1/jobs')).length).toBe(0);

  await context.setOffline(false);
  await expect(waiting).toHaveCount(0);
  await ana.until('/v1/jobs', (jobs) => jobs[0]?.name === 'off-line.bin' && jobs[0].state === 'done');
  expect((await ana.read('/v1/files')).map((file: any) => file.name)).toEqual(['from the train/off-line.bin']);

  // The same link, opened by somebody who is not signed in.
  const other = await context.browser()!.newContext();
  const handing = await other.newPage();
  await handing.goto(link);
  await expect(handing.getByRole('heading', { name: 'It was here already' })).toBeVisible();
  expect(new URL(handing.url()).hash).toBe('');
  await fitForEverybody(handing, 'hand over, replayed');
  await other.close();
  expect((await ana.read('/v1/jobs')).length).toBe(1);
});

test('a link with a broken, a strange or no request says so and changes nothing', async ({
  page,
  ana,
  bed,
}) => {
  await page.goto(bed.place + '/p');
  await expect(page.getByRole('heading', { name: 'There is no request in this address' })).toBeVisible();
  await fitForEverybody(page, 'hand over, nothing');

  await page.goto(bed.place + '/p#' + '<img src=x onerror=alert(1)>');
  await expect(page.getByRole('heading', { name: 'There is no request in this address' })).toBeVisible();

  await page.goto('about:blank');
  await page.goto(bed.place + '/p#eyJhbGciOiJub25lIn0.AAAA.AAAA.AAAA.AAAA');
  await expect(page.getByRole('heading', { name: 'The request was not taken' })).toBeVisible();
  await fitForEverybody(page, 'hand over, refused');
  expect((await ana.read('/v1/jobs')).length).toBe(0);
});

test('signing out takes the right to make requests away', async ({ page, ana }) => {
  await page.goto('/travel');
  await page.getByRole('button', { name: 'Let this browser make requests' }).click();
  await expect(page.getByLabel('Address of the file')).toBeVisible();

  await page.goto('/me');
  await page.getByRole('button', { name: 'Sign out' }).first().click();
  await expect(page).toHaveURL(/sign-in/);

  await page.goto('/travel');
  await expect(
    page.getByRole('heading', {
      name: 'This browser cannot make requests yet',
    }),
  ).toBeVisible();
  const { devices } = await ana.read('/v1/devices');
  expect(devices.map((one: any) => one.kind)).not.toContain('browser');
  const kept = await page.evaluate(
    () =>
      new Promise<number[]>((done) => {
        const opening = indexedDB.open('restante-travel');
        opening.onsuccess = () => {
          const reading = opening.result.transaction(['places', 'waiting']);
          const counts = ['places', 'waiting'].map((name) => reading.objectStore(name).count());
          reading.oncomplete = () => done(counts.map((one) => one.result));
        };
      }),
  );
  expect(kept).toEqual([0, 0]);
});

test('a request for another place is made here and handed over there', async ({
  page,
  ana,
  bed,
  playwright,
}) => {
  const { url } = await bed.publish('office.bin', 20_000);
  const other = await bed.ask('other_place');
  const connecting = new URLSearchParams(String(other['again']).split('#')[1]);
  await page.goto('/travel');
  await page.getByRole('button', { name: 'Let this browser make requests' }).click();
  await page.getByLabel('Address that connects a device').fill('https://nowhere.example/');
  await page.getByRole('button', { name: 'Go there and ask' }).click();
  await expect(page.getByText('This is not the whole address.')).toBeVisible();

  await page.getByLabel('Address that connects a device').fill(String(other['connect']));
  await page.getByRole('button', { name: 'Go there and ask' }).click();
  await expect(page.getByRole('heading', { name: 'Another app asks' })).toBeVisible();
  await expect(page.getByText(bed.place)).toBeVisible();
  expect(new URL(page.url()).hash).toBe('');
  await fitForEverybody(page, 'asked by another app');
  await page.getByRole('button', { name: 'Allow it' }).click();
  await expect(page).toHaveURL(`${bed.place}/travel`);
  await expect(page.getByLabel('To', { exact: true })).toContainText('The Office');
  await fitForEverybody(page, 'travel, two places');

  await page.getByLabel('To', { exact: true }).selectOption(String(other['url']));
  await page.getByLabel('Address of the file').fill(url);
  await page.getByRole('button', { name: 'Ask for it' }).click();
  const opened = page.context().waitForEvent('page');
  await page.getByRole('button', { name: 'Hand it over there' }).click();
  const there = await opened;
  await expect(there.getByRole('heading', { name: 'The request is here' })).toBeVisible();
  expect(new URL(there.url()).origin).toBe(other['url']);

  expect(await ana.read('/v1/jobs')).toEqual([]);
  // Read at the other place: in the name of its own person, and nothing more.
  const ben = await playwright.request.newContext();
  const session = await ben.post(`${other['url']}/v1/session`, {
    data: { code: connecting.get('c') },
  });
  const { token } = await session.json();
  const jobs = await (
    await ben.get(`${other['url']}/v1/jobs`, {
      headers: { Authorization: `Bearer ${token}` },
    })
  ).json();
  expect(jobs.map((one: any) => one.name)).toEqual(['office.bin']);
  await ben.dispose();
});

test('a place cannot put itself into the place of this one', async ({ page, ana, bed }) => {
  await page.goto('/travel');
  await page.getByRole('button', { name: 'Let this browser make requests' }).click();
  await expect(page.getByLabel('Address of the file')).toBeVisible();
  const other = await bed.ask('other_place');
  const { jkt } = await (await page.request.get(`${other['url']}/.well-known/restante`)).json();
  const keys = await (await page.request.get(`${other['url']}/.well-known/restante-jwks.jws`)).text();
  // Its own good keys, but under this place's address.
  const told = btoa(JSON.stringify({ url: bed.place, jkt, keys, name: 'Home', tz: 'UTC', account: 'x' }));
  await page.evaluate((pin) => sessionStorage.setItem('restante-pinned', JSON.stringify(pin)), {
    origin: other['url'],
    jkt,
  });
  await page.goto('about:blank');
  await page.goto('/travel#place=' + told.replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', ''));

  await expect(page.getByText('Nothing was kept.')).toBeVisible();
  const { url } = await bed.publish('still-mine.bin', 1000);
  await page.getByLabel('Address of the file').fill(url);
  await page.getByRole('button', { name: 'Ask for it' }).click();
  await ana.until('/v1/jobs', (jobs) => jobs[0]?.name === 'still-mine.bin');
});

test('a place that does not answer as it should is not kept', async ({ page, ana }) => {
  await page.goto('/travel');
  await page.getByRole('button', { name: 'Let this browser make requests' }).click();
  await expect(page.getByLabel('Address of the file')).toBeVisible();
  const told = btoa(
    JSON.stringify({
      url: 'https://evil.example',
      jkt: 'A'.repeat(43),
      keys: 'a.b.c',
      name: 'Evil',
      tz: 'UTC',
      account: 'x',
    }),
  );

  await page.evaluate(() =>
    sessionStorage.setItem(
      'restante-pinned',
      JSON.stringify({ origin: 'https://evil.example', jkt: 'A'.repeat(43) }),
    ),
  );
  await page.goto('about:blank');
  await page.goto('/travel#place=' + told.replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', ''));

  await expect(page.getByText('Nothing was kept.')).toBeVisible();
  expect((await ana.read('/v1/devices')).devices.length).toBe(1);
  await expect(page.getByLabel('To', { exact: true })).toHaveCount(0);
});
