// SPDX-License-Identifier: Apache-2.0
import { done, expect, taken, test } from './harness';

test('clicks that come at once are all captured', async ({ ana, extension, origin, page }) => {
  await page.goto(`${origin.url}/page`);

  await page.evaluate(() => {
    for (let i = 0; i < 6; i += 1) (document.getElementById(`many${i}`) as HTMLAnchorElement).click();
  });
  await done(ana, 6);

  for (let i = 0; i < 6; i += 1)
    expect(await taken(ana, `many${i}.pdf`)).toBe(await origin.digest(`many${i}`));
  expect(await extension.downloads()).toEqual([]);
});

test('the request that is captured is the one that the browser would have sent', async ({
  ana,
  origin,
  page,
}) => {
  await page.goto(`${origin.url}/page`);
  await page.click('#member');
  await done(ana, 1);

  const [first, second] = await origin.book('/member');
  expect(second, 'sent by the browser and by the place').toBeTruthy();
  expect({ ...second, sent: 0 }).toEqual({ ...first, sent: 0 });
});

test('a cookie that belongs to one embedding site alone goes along', async ({ ana, origin, page }) => {
  await page.goto(`${origin.url}/embedding`);

  await page.frameLocator('#inner').locator('#boxed').click();

  await done(ana, 1);
  expect(await taken(ana, 'boxed.dat')).toBe(await origin.digest('boxed'));
  const [, second] = await origin.book('/boxed');
  expect(second?.cookie).toBe('boxed=yes');
});

test('a form in parts is sent with its fields, and one with a file of the device is left to the browser', async ({
  ana,
  extension,
  origin,
  page,
}) => {
  await page.goto(`${origin.url}/page`);
  await page.click('#sendmulti');
  await done(ana, 1);
  expect(await taken(ana, 'form13.dat')).toBe(await origin.digest('form13'));

  await page.setInputFiles('#file', {
    name: 'own.txt',
    mimeType: 'text/plain',
    buffer: Buffer.from('my own words'),
  });
  await page.click('#sendfile');

  await expect
    .poll(async () => (await extension.downloads()).map((one) => one['state']))
    .toEqual(['complete']);
  expect(await ana.read('/v1/jobs')).toHaveLength(1);
  await extension.forgetDownloads();
});

test('pages are shown, and what a page made itself is left to the browser', async ({
  ana,
  extension,
  origin,
  page,
}) => {
  await page.goto(`${origin.url}/page`);
  await page.click('#shown');
  await expect(page.locator('h1')).toHaveText('a page');

  await page.goto(`${origin.url}/page`);
  await page.click('#blob');

  await expect
    .poll(async () => (await extension.downloads()).map((one) => one['state']))
    .toEqual(['complete']);
  expect(await ana.read('/v1/jobs')).toEqual([]);
  await extension.forgetDownloads();
});

for (const [why, settings] of Object.entries({
  'capturing is off': { capture: 'off' },
  'the site is never captured': {
    sites: { which: 'all', only: [], never: ['127.0.0.1'] },
  },
  'another site is captured only': {
    sites: { which: 'only', only: ['example.org'], never: [] },
  },
  'it is smaller than what is captured': { smallest: 300_001 },
  'captured is what is clicked with the key': { capture: 'key' },
})) {
  test(`the browser downloads as usual: ${why}`, async ({ ana, extension, origin, page }) => {
    await extension.set(settings);
    await page.goto(`${origin.url}/page`);

    await page.click('#attachment');
    await page.click('#zip');

    await expect
      .poll(async () => (await extension.downloads()).map((one) => one['state']))
      .toEqual(['complete', 'complete']);
    expect(await ana.read('/v1/jobs')).toEqual([]);
    await extension.forgetDownloads();
    await extension.set({
      sites: { which: 'all', only: [], never: [] },
      smallest: 0,
      capture: 'always',
    });
  });
}

test('what is as large as the smallest is captured, and a site that is named alone', async ({
  ana,
  extension,
  origin,
  page,
}) => {
  await extension.set({
    smallest: 300_000,
    sites: { which: 'only', only: ['127.0.0.1'], never: [] },
  });
  await page.goto(`${origin.url}/page`);

  await page.click('#attachment');
  await ana.until('/v1/jobs', (jobs) => jobs.length === 1);
  await page.click('#zip');

  await done(ana, 2);
  await extension.set({
    smallest: 0,
    sites: { which: 'all', only: [], never: [] },
  });
});

test('with the key the opposite happens', async ({ ana, extension, origin, page }) => {
  await page.goto(`${origin.url}/page`);
  await page.click('#zip', { modifiers: ['Alt'] });
  await expect
    .poll(async () => (await extension.downloads()).map((one) => one['state']))
    .toEqual(['complete']);
  expect(await ana.read('/v1/jobs')).toEqual([]);
  await extension.forgetDownloads();

  await extension.set({ capture: 'key', key: 'Alt' });
  await page.click('#shown', { modifiers: ['Alt'] });

  await done(ana, 1);
  expect(page.url()).toBe(`${origin.url}/page`);
});

test('nothing is captured from the place itself', async ({ ana, bed, extension, origin, page }) => {
  await page.goto(`${origin.url}/page`);
  await page.click('#plain');
  await done(ana, 1);
  const [file] = await ana.read('/v1/files');
  const { body: link } = await ana.call('/v1/links', {
    method: 'POST',
    body: { file: file.id },
  });

  await page.goto(`${bed.place}/healthz`);
  await page.evaluate((url) => {
    const anchor = document.createElement('a');
    anchor.href = url;
    anchor.textContent = 'take it';
    document.body.append(anchor);
  }, String(link.url));
  await page.click('text=take it');

  await expect
    .poll(async () => (await extension.downloads()).map((one) => one['state']))
    .toEqual(['complete']);
  expect(await ana.read('/v1/jobs')).toHaveLength(1);
  await extension.forgetDownloads();
});

test('a link, a page, a picture and marked addresses are sent from the menu', async ({
  ana,
  extension,
  origin,
  page,
}) => {
  await page.goto(`${origin.url}/page`);
  const menu = (chosen: object) => extension.menu(chosen);

  await menu({
    menuItemId: 'link',
    linkUrl: `${origin.url}/attachment?of=linked`,
    pageUrl: page.url(),
  });
  await menu({ menuItemId: 'page', pageUrl: `${origin.url}/shown` });
  await menu({
    menuItemId: 'media',
    srcUrl: `${origin.url}/files/film.bin`,
    pageUrl: page.url(),
  });
  await menu({
    menuItemId: 'selection',
    selectionText: `see ${origin.url}/files/one.bin, and (${origin.url}/files/two.bin).`,
    pageUrl: page.url(),
  });

  await done(ana, 5);
  for (const name of ['one', 'two', 'film'])
    expect(await taken(ana, `${name}.bin`)).toBe(await origin.digest(`/files/${name}.bin`));
  expect(await taken(ana, 'linked.pdf')).toBe(await origin.digest('linked'));
});
