// SPDX-License-Identifier: Apache-2.0
import type { Page } from '@playwright/test';
import { fitForEverybody } from '../everybody';
import { expect, test, type Bed, type Person } from '../harness';

const names = (files: any[]): string[] => files.map((one) => one.name).toSorted();

/** Puts texts into a person's files, as another program does, and waits until the place has seen them. */
async function put(bed: Bed, ana: Person, files: Record<string, string>): Promise<void> {
  for (const [name, text] of Object.entries(files)) await bed.ask('put', { user: ana.name, name, text });
  await ana.until('/v1/files', (all) => Object.keys(files).every((name) => names(all).includes(name)));
}

const row = (page: Page, name: string) => page.getByRole('list', { name: 'Files and folders' }).getByText(name, { exact: true });
const dialog = (page: Page) => page.getByRole('dialog');

test('nothing is there at first, and what arrives appears by itself with its progress', async ({ page, ana, bed }) => {
  await page.goto('/files');
  await expect(page.getByRole('heading', { name: 'Nothing here yet' })).toBeVisible();
  await fitForEverybody(page, 'my files, empty');

  await bed.publish('slow/film.bin', 2_000_000);
  const { id } = await ana.send(`${bed.content}/slow/film.bin`);
  const arriving = page.getByRole('region', { name: 'Arriving' });
  await expect(arriving.getByRole('progressbar', { name: 'Progress of film.bin' })).toBeVisible();
  await fitForEverybody(page, 'my files, arriving');
  await expect(row(page, 'film.bin')).toBeVisible();
  await expect(arriving).toHaveCount(0);

  const [file] = await ana.read('/v1/files');
  expect(file).toMatchObject({ name: 'film.bin', job: id, size_bytes: 2_000_000 });
});

test('a file is downloaded as it is', async ({ page, ana, bed }) => {
  const { url, sha256 } = await bed.publish('report.bin', 40_000);
  await ana.have(url);
  await page.goto('/files');

  await row(page, 'report.bin').click();
  await expect(dialog(page)).toContainText('There is no preview of this kind of file');
  await fitForEverybody(page, 'a file without preview');
  const coming = page.waitForEvent('download');
  await dialog(page).getByRole('button', { name: 'Download' }).click();
  const download = await coming;

  expect(download.suggestedFilename()).toBe('report.bin');
  const { createHash } = await import('node:crypto');
  const { readFile } = await import('node:fs/promises');
  expect(createHash('sha256').update(await readFile(await download.path())).digest('hex')).toBe(sha256);
  expect((await ana.read('/v1/files'))[0].sha256).toBe(sha256);
});

test('folders are made, entered and left, and a file is moved and moved back', async ({ page, ana, bed }) => {
  await put(bed, ana, { 'a.txt': 'a' });
  await page.goto('/files');

  await page.getByRole('button', { name: 'New folder' }).click();
  await fitForEverybody(page, 'a new folder');
  await dialog(page).getByRole('button', { name: 'Make it' }).click();
  await expect(dialog(page).getByRole('alert')).toHaveText('Give it a name.');
  await dialog(page).getByLabel('Name').fill('Summer in Ávila #1 100%');
  await dialog(page).getByRole('button', { name: 'Make it' }).click();
  await expect(row(page, 'Summer in Ávila #1 100%')).toBeVisible();

  await row(page, 'a.txt').click();
  await dialog(page).getByRole('button', { name: 'Move' }).click();
  await dialog(page).getByRole('button', { name: 'Summer in Ávila #1 100%' }).click();
  await fitForEverybody(page, 'moving');
  await dialog(page).getByRole('button', { name: 'Move here' }).click();
  await ana.until('/v1/files', (all) => names(all).includes('Summer in Ávila #1 100%/a.txt'));

  await row(page, 'Summer in Ávila #1 100%').click();
  await expect(page.getByRole('heading', { level: 1 })).toHaveText('Summer in Ávila #1 100%');
  await expect(row(page, 'a.txt')).toBeVisible();
  await fitForEverybody(page, 'in a folder');
  await page.getByRole('button', { name: 'Undo' }).click();
  await ana.until('/v1/files', (all) => names(all).includes('a.txt'));
  await expect(page.getByRole('heading', { name: 'This folder is empty' })).toBeVisible();
  await page.getByRole('navigation', { name: 'Folders on the way' }).getByRole('link', { name: 'My files' }).click();
  await expect(row(page, 'a.txt')).toBeVisible();
  expect((await ana.read('/v1/files?folder=')).folders).toEqual([{ path: 'Summer in Ávila #1 100%' }]);
});

test('a file and a folder are renamed', async ({ page, ana, bed }) => {
  await put(bed, ana, { 'old.txt': 'x', 'papers/in.txt': 'y' });
  await page.goto('/files');

  await row(page, 'old.txt').focus();
  await page.getByRole('button', { name: 'old.txt', exact: true }).press('F2');
  await dialog(page).getByLabel('Name').fill('a/b.txt');
  await dialog(page).getByRole('button', { name: 'Rename' }).click();
  await expect(dialog(page).getByRole('alert')).toContainText('has no “/”');
  await fitForEverybody(page, 'a name that cannot be');
  await dialog(page).getByLabel('Name').fill('new.txt');
  await dialog(page).getByLabel('Name').press('Enter');
  await expect(row(page, 'new.txt')).toBeVisible();

  await page.getByRole('button', { name: 'More about papers' }).click();
  await dialog(page).getByRole('button', { name: 'Rename' }).click();
  await dialog(page).getByLabel('Name').fill('Letters');
  await dialog(page).getByLabel('Name').press('Enter');
  await expect(row(page, 'Letters')).toBeVisible();

  expect(names(await ana.read('/v1/files'))).toEqual(['Letters/in.txt', 'new.txt']);
});

test('what was deleted is had back at once, a folder with all that was in it', async ({ page, ana, bed }) => {
  await put(bed, ana, { 'a.txt': 'a', 'b.txt': 'b', 'f/c.txt': 'c', 'f/g/d.txt': 'd' });
  await page.goto('/files');

  await page.getByRole('checkbox', { name: 'Choose a.txt' }).check();
  await page.getByRole('checkbox', { name: 'Choose f' }).check();
  await expect(page.getByRole('group', { name: 'What is chosen' })).toContainText('2 things chosen');
  await fitForEverybody(page, 'two things chosen');
  await page.getByRole('group', { name: 'What is chosen' }).getByRole('button', { name: 'Delete' }).click();
  await ana.until('/v1/files', (all) => names(all).join() === 'b.txt');
  await page.getByRole('button', { name: 'Undo' }).click();

  await ana.until('/v1/files', (all) => names(all).join() === 'a.txt,b.txt,f/c.txt,f/g/d.txt');
  expect(await ana.read('/v1/trash')).toEqual([]);
});

test('by keyboard alone files are chosen, deleted and shown', async ({ page, ana, bed }) => {
  await put(bed, ana, { '1.txt': 'one', '2.txt': 'two', '3.txt': 'three', '4.txt': 'four' });
  await page.goto('/files');
  const name = (which: string) => page.getByRole('button', { name: which, exact: true });

  await name('1.txt').focus();
  await page.keyboard.press('ArrowDown');
  await expect(name('2.txt')).toBeFocused();
  await page.keyboard.press('Space');
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('Shift+Space');
  await expect(page.getByRole('checkbox', { name: 'Choose 3.txt' })).toBeChecked();
  await page.keyboard.press('End');
  await page.keyboard.press('Enter');
  await expect(dialog(page).getByRole('region', { name: 'Preview of 4.txt' })).toHaveText('four');
  await page.keyboard.press('Escape');
  await expect(name('4.txt')).toBeFocused();
  await page.keyboard.press('ArrowUp');
  await page.keyboard.press('Delete');

  await ana.until('/v1/files', (all) => names(all).join() === '1.txt,4.txt');
  expect(names(await ana.read('/v1/trash'))).toEqual(['2.txt', '3.txt']);
});

test('a search finds a file in any folder', async ({ page, ana, bed }) => {
  await put(bed, ana, { 'Trips/Été/plan.txt': 'x', 'notes.txt': 'y' });
  await page.goto('/files');

  const field = page.getByRole('searchbox', { name: 'Search all of my files' });
  await field.fill('été');
  await expect(row(page, 'Trips/Été/plan.txt')).toBeVisible();
  await expect(page).toHaveURL(/\/files\?search=/);
  await fitForEverybody(page, 'found');
  await field.fill('nowhere');
  await expect(page.getByRole('heading', { name: 'Nothing found' })).toBeVisible();
  await fitForEverybody(page, 'nothing found');
  await page.goBack();
  await expect(row(page, 'notes.txt')).toBeVisible();
  await expect(field).toHaveValue('');

  const found = await ana.read('/v1/files?search=' + encodeURIComponent('ÉTÉ'));
  expect(names(found.files)).toEqual(['Trips/Été/plan.txt']);
});

test('files are put in order and shown as tiles, and the browser remembers the tiles', async ({ page, ana, bed }) => {
  await put(bed, ana, { '2.txt': 'longest of all', '10.txt': 'short', '1.txt': 'middling' });
  await page.goto('/files');
  const shown = () => page.getByRole('list', { name: 'Files and folders' }).locator('.name').allInnerTexts();

  await expect.poll(shown).toEqual(['1.txt', '2.txt', '10.txt']);
  await page.getByLabel('Order').selectOption('Largest first');
  await expect.poll(shown).toEqual(['2.txt', '1.txt', '10.txt']);
  await page.getByRole('button', { name: 'Show as tiles' }).click();
  await fitForEverybody(page, 'tiles');
  await page.reload();
  await expect(page.getByRole('button', { name: 'Show as tiles', pressed: true })).toBeVisible();

  expect(names(await ana.read('/v1/files'))).toHaveLength(3);
});

test('pictures, texts and broken films are previewed', async ({ page, ana, bed }) => {
  const svg = '<svg xmlns="http://www.w3.org/2000/svg" width="40" height="40"><rect width="40" height="40"/></svg>';
  await put(bed, ana, { 'dot.svg': svg, 'long.log': 'x'.repeat(300_000), 'broken.mp4': 'no film', 'empty.txt': '' });
  await page.goto('/files');

  await row(page, 'dot.svg').click();
  const picture = dialog(page).getByRole('img', { name: 'Preview of dot.svg' });
  await expect.poll(() => picture.evaluate((img: HTMLImageElement) => img.naturalWidth)).toBe(40);
  await fitForEverybody(page, 'a picture');
  await page.keyboard.press('Escape');
  await row(page, 'long.log').click();
  await expect(dialog(page)).toContainText('This is the beginning, 256.0 KiB.');
  expect(await dialog(page).getByRole('region').innerText()).toHaveLength(256 * 1024);
  await fitForEverybody(page, 'a long text');
  await page.keyboard.press('Escape');
  await row(page, 'broken.mp4').click();
  await expect(dialog(page)).toContainText('The browser cannot show this one.');
  await page.keyboard.press('Escape');
  await row(page, 'empty.txt').click();
  await expect(dialog(page)).toContainText('The file is empty.');

  expect(await ana.read('/v1/files')).toHaveLength(4);
});

test('hostile names and contents run nothing and ask nobody', async ({ page, ana, bed }) => {
  const bad = `<img src=x onerror="document.title='owned'">.html`.replaceAll('/', '');
  const code = `fetch('${bed.content}/stolen'); document.title = 'owned'; top.document.title = 'owned'`;
  const html = `<!doctype html><title>x</title><script>${code}</script><img src="${bed.content}/stolen" onerror="${code}">`;
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9" onload="${code}"><script>${code}</script><image href="${bed.content}/stolen"/><rect width="9" height="9"/></svg>`;
  await put(bed, ana, { [bad]: html, 'page.html': html, 'code.svg': svg, 'x.xhtml': html });
  await page.goto('/files');
  await expect(row(page, bad)).toBeVisible();
  const title = await page.title();

  for (const name of [bad, 'page.html', 'x.xhtml']) {
    await row(page, name).click();
    await expect(dialog(page).getByRole('region')).toContainText('<script>');
    await page.keyboard.press('Escape');
  }
  await row(page, 'code.svg').click();
  const picture = dialog(page).getByRole('img');
  await expect.poll(() => picture.evaluate((img: HTMLImageElement) => img.naturalWidth)).toBe(9);
  // Opened in a tab of its own it would be a document: not one of this place.
  expect(await picture.getAttribute('src')).toMatch(/^data:image\/svg\+xml;base64,/);
  await page.keyboard.press('Escape');
  await page.getByRole('button', { name: 'Show as tiles' }).click();
  await expect(row(page, 'code.svg')).toBeVisible();
  expect(await page.title()).toBe(title);

  // Opened by its address it is a download, or a document without rights.
  const { id } = (await ana.read('/v1/files')).find((one: any) => one.name === 'page.html');
  const answer = await ana.call(`/v1/files/${id}`);
  expect(answer.headers['content-disposition']).toMatch(/^attachment/);
  expect(answer.headers['content-security-policy']).toContain('sandbox');
  const { lines } = await bed.ask('requests');
  expect(JSON.stringify(lines)).not.toContain('stolen');
});

test('a link with a password, an end and a count opens for whoever knows the word', async ({ page, ana, bed, playwright }) => {
  await put(bed, ana, { 'gift.txt': 'for you' });
  await page.goto('/files');
  await row(page, 'gift.txt').click();
  await dialog(page).getByRole('button', { name: 'Make a link' }).click();
  await fitForEverybody(page, 'making a link');

  await dialog(page).getByLabel('Works for').selectOption('One day');
  await dialog(page).getByLabel('Password (may stay empty)').fill('open sesame');
  await dialog(page).getByLabel('How often it may be opened').fill('3');
  await dialog(page).getByRole('button', { name: 'Make the link' }).click();
  await expect(dialog(page).getByRole('status')).toContainText('shown only now');
  const url = await dialog(page).getByLabel('Link', { exact: true }).inputValue();
  await dialog(page).getByRole('button', { name: 'Show as QR code' }).click();
  await expect(dialog(page).getByRole('img', { name: 'QR code of the address' })).toBeVisible();
  await fitForEverybody(page, 'a link that was made');
  expect(await page.content()).not.toContain('open sesame');
  await dialog(page).getByRole('button', { name: 'Done' }).click();
  expect(await page.content()).not.toContain(url.slice(url.lastIndexOf('/') + 1));

  const stranger = await playwright.request.newContext();
  const path = new URL(url).pathname;
  const asked = await stranger.get(bed.place + path);
  expect(await asked.text()).not.toContain('for you');
  const entered = await stranger.post(bed.place + path, { form: { password: 'open sesame' } });
  expect(await entered.text()).toBe('for you');
  await stranger.dispose();
  const [link] = await ana.read('/v1/links');
  expect(link).toMatchObject({ name: 'gift.txt', password: true, login: false, count: 3, uses: 1 });
  const days = (Date.parse(link.expires) - Date.parse(link.created)) / 86_400_000;
  expect(days).toBeCloseTo(1, 2);
});

test('a link to a folder is ended and opens for nobody any more', async ({ page, ana, bed, playwright }) => {
  await put(bed, ana, { 'album/one.txt': '1', 'keep.txt': 'k' });
  await page.goto('/files');
  await page.getByRole('button', { name: 'More about album' }).click();
  await dialog(page).getByRole('button', { name: 'Make a link' }).click();
  await dialog(page).getByLabel('Works for').selectOption('Until I end it');
  await dialog(page).getByRole('button', { name: 'Make the link' }).click();
  const url = await dialog(page).getByLabel('Link', { exact: true }).inputValue();
  await dialog(page).getByRole('button', { name: 'Done' }).click();
  const path = new URL(url).pathname;
  const stranger = await playwright.request.newContext();
  expect(await (await stranger.get(bed.place + path)).text()).toContain('one.txt');

  await page.getByRole('link', { name: 'Links' }).click();
  await expect(page.getByRole('listitem').filter({ hasText: 'album' })).toContainText('works until you end it');
  await fitForEverybody(page, 'links');
  await page.getByRole('button', { name: 'End it: the link to album' }).click();
  await fitForEverybody(page, 'ending a link');
  await dialog(page).getByRole('button', { name: 'End it' }).click();
  await expect(page.getByRole('heading', { name: 'No links' })).toBeVisible();
  await fitForEverybody(page, 'no links');

  expect(await ana.read('/v1/links')).toEqual([]);
  expect((await stranger.get(bed.place + path)).status()).toBe(404);
  await stranger.dispose();
});

test('from the trash a file is had back, another erased, and the rest emptied', async ({ page, ana, bed }) => {
  await put(bed, ana, { 'a.txt': 'a', 'b.txt': 'b', 'c.txt': 'c', 'd.txt': 'd' });
  for (const { id } of await ana.read('/v1/files')) await ana.call(`/v1/files/${id}`, { method: 'DELETE' });
  await page.goto('/files');
  await page.getByRole('link', { name: 'Trash' }).click();
  await fitForEverybody(page, 'trash');

  await page.getByRole('button', { name: 'Have it back: a.txt' }).click();
  await ana.until('/v1/files', (all) => names(all).join() === 'a.txt');
  await page.getByRole('button', { name: 'Erase b.txt' }).click();
  await fitForEverybody(page, 'erasing');
  await dialog(page).getByRole('button', { name: 'Erase' }).click();
  await ana.until('/v1/trash', (all) => names(all).join() === 'c.txt,d.txt');
  await expect(page.getByRole('button', { name: 'Erase b.txt' })).toHaveCount(0);
  await page.getByRole('button', { name: 'Empty the trash' }).click();
  await expect(dialog(page)).toContainText('2 files');
  await dialog(page).getByRole('button', { name: 'Erase all' }).click();
  await expect(page.getByRole('heading', { name: 'The trash is empty' })).toBeVisible();
  await fitForEverybody(page, 'trash, empty');

  expect(await ana.read('/v1/trash')).toEqual([]);
  expect(names(await ana.read('/v1/files'))).toEqual(['a.txt']);
});

test('what another program does in the files is seen without asking', async ({ page, ana, bed }) => {
  await put(bed, ana, { 'first.txt': 'x' });
  await page.goto('/files');
  await expect(row(page, 'first.txt')).toBeVisible();

  await bed.ask('put', { user: ana.name, name: 'from elsewhere.txt', text: 'x' });
  await expect(row(page, 'from elsewhere.txt')).toBeVisible();
  const file = (await ana.read('/v1/files')).find((one: any) => one.name === 'from elsewhere.txt');
  await ana.call(`/v1/files/${file.id}`, { method: 'PATCH', body: { name: 'renamed.txt' } });
  await expect(row(page, 'renamed.txt')).toBeVisible();

  await ana.call(`/v1/files/${file.id}`, { method: 'DELETE' });
  await expect(row(page, 'renamed.txt')).toHaveCount(0);
  expect(names(await ana.read('/v1/files'))).toEqual(['first.txt']);
});

test('a folder that is not there says so, and a long one shows a part at a time', async ({ page, ana, bed }) => {
  await page.goto('/files/no/such%20folder');
  await expect(page.getByRole('heading', { name: 'There is no such folder' })).toBeVisible();
  await fitForEverybody(page, 'no such folder');

  const many = Object.fromEntries(Array.from({ length: 450 }, (_, i) => [`many/${String(i).padStart(3, '0')}.txt`, 'x']));
  await put(bed, ana, many);
  await page.goto('/files/many');
  await expect(row(page, '000.txt')).toBeVisible();
  expect(await page.getByRole('listitem').count()).toBeLessThanOrEqual(300);
  await page.getByRole('button', { name: 'Further' }).click();
  await page.getByRole('button', { name: 'Further' }).click();
  await expect(page.getByText('401 to 450 of 450')).toBeVisible();
  await expect(row(page, '449.txt')).toBeVisible();

  expect((await ana.read('/v1/files?folder=many')).files).toHaveLength(450);
});

test('room that is almost full is told, with what is in the trash', async ({ page, bed, context }) => {
  const { name, connect } = await bed.ask('user', { quota: '1MiB' });
  const code = new URLSearchParams(new URL(String(connect)).hash.slice(1)).get('c');
  const entered = await context.request.post(`${bed.place}/v1/session`, {
    data: { code, cookie: true },
    headers: { Origin: bed.place },
  });
  expect(entered.status()).toBe(201);
  await bed.ask('put', { user: String(name), name: 'big.txt', text: 'x'.repeat(1_000_000) });
  await page.goto('/files');

  await expect(page.getByText('976.6 KiB of 1.0 MiB used')).toBeVisible();
  await expect(page.getByText('Your room is almost full.')).toBeVisible();
  await fitForEverybody(page, 'almost full');
  await row(page, 'big.txt').click();
  await dialog(page).getByRole('button', { name: 'Delete' }).click();
  await expect(page.getByText('976.6 KiB of it in the trash')).toBeVisible();

  const { account } = await (await context.request.get(`${bed.place}/v1/session`)).json();
  expect(account).toMatchObject({ used_bytes: 1_000_000, trash_bytes: 1_000_000 });
});
