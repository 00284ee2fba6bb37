// SPDX-License-Identifier: Apache-2.0
import type { Page } from '@playwright/test';
import { fitForEverybody } from '../everybody';
import { done, expect, test, type Extension } from './harness';

async function open(
  extension: Extension,
  page: Page,
  name: string,
  size = { width: 400, height: 700 },
): Promise<Page> {
  await page.setViewportSize(size);
  await page.goto(extension.url(name));
  await expect(page.locator('h1')).toBeVisible();
  return page;
}

test('without a place the pages say how to connect one, and a pasted address does', async ({
  ana,
  bed,
  extension,
  page,
}) => {
  for (const { jkt } of (await extension.state()).places)
    await extension.ask({ do: 'disconnect', place: jkt });
  await open(extension, page, 'popup.html');
  await expect(page.getByText('not connected to a place yet')).toBeVisible();
  await fitForEverybody(page, 'popup without a place');
  await open(extension, page, 'options.html', { width: 900, height: 900 });
  await fitForEverybody(page, 'options without a place');

  await page.getByLabel('Connecting address').fill('https://home.example/');
  await page.getByRole('button', { name: 'Connect' }).click();
  await expect(page.getByRole('alert')).toContainText('not a connecting address');
  await fitForEverybody(page, 'options with a refused address');
  await expect(page.getByLabel('Connecting address')).toHaveValue('https://home.example/');
  const { connect } = await bed.ask('connect', { name: ana.name });
  await page.getByLabel('Connecting address').fill(String(connect));
  await page.getByRole('button', { name: 'Connect' }).click();
  await expect(page.getByText('Connected to Harbour Hotel.')).toBeVisible();
  await fitForEverybody(page, 'options with a place');

  const { devices } = await ana.read('/v1/devices');
  expect(devices.filter((one: any) => one.label.includes('extension'))).toHaveLength(1);
});

test('a QR code in a picture connects', async ({ ana, bed, extension, page }) => {
  for (const { jkt } of (await extension.state()).places)
    await extension.ask({ do: 'disconnect', place: jkt });
  const { connect } = await bed.ask('connect', { name: ana.name });
  const { png } = await bed.ask('qr', { text: String(connect) });
  await open(extension, page, 'options.html', { width: 900, height: 900 });

  await page.getByRole('button', { name: 'Read a QR code' }).click();
  await fitForEverybody(page, 'options reading a code');
  const picture = page.getByLabel('From a picture');
  await picture.setInputFiles({
    name: 'nothing.png',
    mimeType: 'image/png',
    buffer: Buffer.from('no picture'),
  });
  await expect(page.getByText('no connecting address in this picture')).toBeVisible();
  await picture.setInputFiles({
    name: 'code.png',
    mimeType: 'image/png',
    buffer: Buffer.from(String(png), 'base64'),
  });

  await expect(page.getByText('Connected to Harbour Hotel.')).toBeVisible();
  expect((await ana.read('/v1/devices')).devices.length).toBeGreaterThan(0);
});

test('a connecting address that is opened in a tab is offered, and taken by a yes', async ({
  ana,
  bed,
  extension,
  page,
}) => {
  for (const { jkt } of (await extension.state()).places)
    await extension.ask({ do: 'disconnect', place: jkt });
  const { connect } = await bed.ask('connect', { name: ana.name });
  await page.goto(String(connect));
  await expect.poll(async () => (await extension.state()).offered).toEqual({ origin: bed.place });

  await open(extension, page, 'popup.html');
  await fitForEverybody(page, 'popup with an offer', { ignore: /http:\S+/g });
  await page.getByRole('button', { name: 'Connect' }).click();

  await expect(page.getByRole('heading', { name: 'Downloads at Harbour Hotel' })).toBeVisible();
  expect((await ana.read('/v1/devices')).devices.length).toBeGreaterThan(0);
});

test('the popup asks, sends, and shows downloads as they go', async ({
  ana,
  bed,
  extension,
  origin,
  page,
}) => {
  await extension.set({ mode: 'ask' });
  const shop = await extension.context.newPage();
  await shop.goto(`${origin.url}/page`);
  for (const [index, link] of ['#attachment', '#member'].entries()) {
    await shop.click(link);
    await expect.poll(async () => (await extension.state()).asked.length).toBe(index + 1);
  }
  await shop.close();
  const { url: slow } = await bed.publish('crawl/long.bin', 400_000);
  await ana.send(slow);

  await open(extension, page, 'popup.html');
  await expect(page.getByText('Your sign-in goes along for 127.0.0.1.').first()).toBeVisible();
  await expect(page.getByRole('progressbar')).toBeVisible();
  await fitForEverybody(page, 'popup with questions and downloads');
  await page.getByRole('button', { name: 'Send: report.pdf' }).click();
  await expect(page.getByRole('button', { name: 'Get it: report.pdf' })).toBeVisible();
  await page.getByRole('button', { name: 'Leave it: member.dat' }).click();
  await page.getByRole('button', { name: 'Cancel: long.bin' }).click();
  await expect(page.getByText('cancelled')).toBeVisible();

  const states = (await ana.read('/v1/jobs')).map((job: any) => [job.name, job.state]);
  expect(Object.fromEntries(states)).toEqual({
    'long.bin': 'cancelled',
    'report.pdf': 'done',
  });
  expect((await extension.state()).asked).toEqual([]);
});

test('what is done is taken by a link from the popup', async ({ ana, extension, origin, page }) => {
  const { places } = await extension.state();
  await extension.ask({
    do: 'send',
    url: `${origin.url}/files/plain.bin`,
    wish: { place: places[0].jkt, when: { kind: 'now' } },
  });
  await done(ana, 1);
  await open(extension, page, 'popup.html');

  await page.getByRole('button', { name: 'Get it: plain.bin' }).click();

  await expect
    .poll(async () => (await extension.downloads()).map((one) => one['state']))
    .toEqual(['complete']);
  expect(await ana.read('/v1/links')).toHaveLength(1);
  await extension.forgetDownloads();
});

test('an address is sent from the popup, and what cannot be is told', async ({
  ana,
  extension,
  origin,
  page,
}) => {
  await open(extension, page, 'popup.html');
  await page.getByText('Send an address').click();
  await fitForEverybody(page, 'popup with the address field');
  await page.getByLabel('Address', { exact: true }).fill('ftp://old.example/file');
  await page.getByRole('button', { name: 'Send', exact: true }).click();
  await expect(page.getByRole('alert')).toContainText('http://');

  await page.getByLabel('Address', { exact: true }).fill(`${origin.url}/files/film.bin`);
  await page.getByLabel('Name (empty').fill('holiday film.bin');
  await page.getByLabel('Folder').fill('films/2026');
  await page.getByRole('button', { name: 'Send', exact: true }).click();

  await expect(page.getByText('It is on its way.')).toBeVisible();
  await done(ana, 1);
  expect((await ana.read('/v1/files')).map((one: any) => one.name)).toEqual(['films/2026/holiday film.bin']);
});

test('requests that could not be sent are shown with what can be done', async ({
  ana,
  bed,
  extension,
  origin,
  page,
}) => {
  await extension.set({ whenDown: 'wait' });
  const { places } = await extension.state();
  await bed.ask('stop');
  for (const name of ['one', 'two'])
    await extension.ask({
      do: 'send',
      url: `${origin.url}/files/${name}.bin`,
      wish: { place: places[0].jkt, when: { kind: 'now' } },
    });
  await open(extension, page, 'popup.html');
  await expect(page.getByText('Waits until its place can be reached.').first()).toBeVisible();
  await expect(page.getByText('The place cannot be reached.')).toBeVisible();
  await fitForEverybody(page, 'popup with the place away');

  await page.getByRole('button', { name: 'Give up: one.bin' }).click();
  await expect(page.getByText('one.bin')).toBeHidden();
  await bed.ask('start');
  await page.getByRole('button', { name: 'Try again', exact: true }).click();

  await done(ana, 1);
  expect((await extension.state()).waiting).toEqual([]);
});

test('the question sends at the time that was chosen, and asks no more if that is wished', async ({
  ana,
  extension,
  origin,
  page,
}) => {
  await extension.set({ mode: 'ask' });
  const shop = await extension.context.newPage();
  await shop.goto(`${origin.url}/page`);
  await shop.click('#attachment');
  await expect.poll(async () => (await extension.state()).asked.length).toBe(1);
  await shop.close();
  const [asked] = (await extension.state()).asked;

  await open(extension, page, `ask.html?id=${asked.id}`, {
    width: 440,
    height: 620,
  });
  await fitForEverybody(page, 'the question');
  await page.getByLabel('When').selectOption('at');
  await page.getByLabel('Day and time there').fill('2027-03-01T02:30');
  await fitForEverybody(page, 'the question with a time');
  await page.getByLabel('From now on without asking').check();
  await page.getByRole('button', { name: 'Send', exact: true }).click();

  const [job] = await ana.until('/v1/jobs', (jobs) => jobs.length === 1);
  expect(job).toMatchObject({ name: 'attachment', state: 'scheduled' });
  expect(job.when.start).toMatch(/^2027-03-01T02:30:00/);
  expect((await extension.state()).settings.mode).toBe('send');
  await extension.set({ wish: { place: '', when: { kind: 'now' } } });
});

test('options are checked, kept and used; trips too', async ({ ana, extension, page }) => {
  await open(extension, page, 'options.html', { width: 900, height: 900 });
  const rules = page.getByRole('button', { name: 'Save' });
  await page.getByLabel('Endings of file names').fill('.ISO *.Zip mp4');
  await page.getByLabel('Kinds of content').fill('no type');
  await page.getByLabel('Never these').fill('https://Bücher.example/x\n*.shop.example');
  await page.getByLabel('Leave to the browser').fill('many');
  await rules.click();
  await expect(page.getByText('“no” is not a media type')).toBeVisible();
  await expect(page.getByText('This is not a size')).toBeVisible();
  await fitForEverybody(page, 'options with faults');
  await expect(page.getByLabel('Endings of file names')).toHaveValue('.ISO *.Zip mp4');

  await page.getByLabel('Kinds of content').fill('application/zip\nvideo/*');
  await page.getByLabel('Leave to the browser').fill('1.5');
  await rules.click();
  await expect(page.getByText('Saved.')).toBeVisible();
  await page.getByLabel('First day').fill('2030-05-01');
  await page.getByLabel('Last day').fill('2030-04-01');
  await page.getByRole('button', { name: 'Add the trip' }).click();
  await expect(page.getByText('The last day lies before')).toBeVisible();
  await page.getByLabel('Last day').fill('2030-05-03');
  await page.getByRole('button', { name: 'Add the trip' }).click();
  await expect(page.getByText('2030-05-01 to 2030-05-03')).toBeVisible();
  await fitForEverybody(page, 'options with a trip');

  const { settings, places } = await extension.state();
  expect(settings).toMatchObject({
    extensions: ['iso', 'zip', 'mp4'],
    types: ['application/zip', 'video/*'],
    smallest: 1_500_000,
    sites: { never: ['xn--bcher-kva.example', 'shop.example'] },
  });
  expect(settings.trips).toMatchObject([{ place: places[0].jkt }]);
  await extension.ask({
    do: 'send',
    url: `${ana.bed.content}/missing`,
    wish: { place: 'trip', when: { kind: 'now' } },
  });
  await ana.until('/v1/jobs', (jobs) => jobs.length === 1);
  await extension.reset();
});
