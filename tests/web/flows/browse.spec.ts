// SPDX-License-Identifier: Apache-2.0
import type { Locator, Page } from '@playwright/test';
import { fitForEverybody } from '../everybody';
import { expect, test, type Bed, type Person } from '../harness';

const ask = (page: Page): Locator => page.getByLabel('Paste a link, or drop anything');
const list = (page: Page, title: string): Locator => page.getByRole('region', { name: title });
const folder = (page: Page): Locator => list(page, 'What this folder has');

async function send(page: Page, button = /^Send/): Promise<void> {
  await page.getByRole('button', { name: button }).click();
  await page.getByRole('heading', { name: 'On its way' }).waitFor();
}

/** A folder of nginx with films, papers and a folder below. */
async function shelf(bed: Bed, name: string): Promise<string> {
  const under = `shelf/${name}`;
  for (const file of ['week1.mp4', 'week2.mp4', 'notes.pdf', 'slides/week1.pdf'])
    await bed.ask('write', { name: `${under}/${file}`, text: `${file} of ${name}` });
  return `${bed.content}/${under}/`;
}

/** Where each finished file lies: the end of every flow. */
async function kept(ana: Person, count: number): Promise<string[]> {
  const files = await ana.until('/v1/files', (all) => all.length === count);
  return files.map((one: { name: string }) => one.name).sort();
}

test('of a folder on a web server what is ticked comes as one request', async ({ page, ana, bed }) => {
  const url = await shelf(bed, 'lectures');
  await page.goto('/new');

  await ask(page).fill(url);
  await folder(page).getByLabel('week1.mp4').check();
  await expect(folder(page).getByText('4 things here. 1 ticked, 21 B together.')).toBeVisible();
  await folder(page).getByLabel('notes.pdf').check();
  await fitForEverybody(page, 'new, what a folder has');
  await send(page, /^Send 2 files$/);

  const [job, ...others] = await ana.until('/v1/jobs', (jobs) => jobs[0]?.state === 'done');
  expect(others).toEqual([]);
  expect(job.name).toContain('lectures');
  expect((await kept(ana, 2)).map((one) => one.split('/').at(-1))).toEqual(['notes.pdf', 'week1.mp4']);
});

test('with the folders below, a pattern chooses, and folders are kept', async ({ page, ana, bed }) => {
  const url = await shelf(bed, 'deep');
  await page.goto('/new');

  await ask(page).fill(url);
  await folder(page).getByLabel('How deep').selectOption('With the folders below');
  await folder(page).getByText('in slides').waitFor();
  await folder(page).getByLabel('Show only').fill('**/*.pdf');
  await expect(folder(page).getByText('2 of 4 things here.')).toBeVisible();
  await folder(page).getByRole('button', { name: 'Choose all 2' }).click();
  await fitForEverybody(page, 'new, a folder with those below, filtered');
  await folder(page).getByLabel('Show only').fill('nothing like this');
  await expect(folder(page).getByText('Nothing here fits that. 2 ticked')).toBeVisible();
  await send(page);

  await ana.until('/v1/jobs', (jobs) => jobs[0]?.state === 'done');
  const names = await kept(ana, 2);
  expect(names.some((one) => one.endsWith('slides/week1.pdf'))).toBe(true);
  expect(names.some((one) => one.endsWith('notes.pdf'))).toBe(true);
});

test('a folder below is looked into with the keyboard, and its files keep it', async ({ page, ana, bed }) => {
  const url = await shelf(bed, 'stepwise');
  await page.goto('/new');

  await ask(page).fill(url);
  await folder(page).getByLabel('week2.mp4').focus();
  await page.keyboard.press('Space');
  await folder(page).getByRole('button', { name: 'Look inside slides' }).focus();
  await page.keyboard.press('Enter');
  await folder(page).getByLabel('week1.pdf').waitFor();
  await expect(folder(page).getByRole('heading')).toBeFocused();
  await folder(page).getByLabel('week1.pdf').focus();
  await page.keyboard.press('Space');
  await expect(folder(page).getByText('2 ticked')).toBeVisible();
  await fitForEverybody(page, 'new, inside a folder');
  await folder(page)
    .getByRole('button', { name: /^Back to/ })
    .click();
  await expect(folder(page).getByLabel('week2.mp4')).toBeChecked();
  await send(page, /^Send 2 files$/);

  await ana.until('/v1/jobs', (jobs) => jobs[0]?.state === 'done');
  const names = await kept(ana, 2);
  expect(names.some((one) => one.endsWith('slides/week1.pdf'))).toBe(true);
});

test('what a web page links to is offered, and its words stay words', async ({ page, ana, bed }) => {
  await bed.ask('write', { name: 'pages/film.mp4', text: 'the film' });
  await bed.ask('write', { name: 'pages/paper.pdf', text: 'the paper' });
  await bed.ask('write', { name: 'pages/more.html', text: '<title>More</title><a href=paper.pdf>Paper</a>' });
  await bed.ask('write', {
    name: 'pages/index.html',
    text: `<title>&lt;img src=x onerror=alert(1)&gt;</title><video src=film.mp4></video>
      <a href=more.html>&lt;b&gt;Reading&lt;/b&gt;</a><a href="javascript:alert(1)">no</a>`,
  });
  const has = list(page, 'What this page has');
  await page.goto('/new');

  await ask(page).fill(`${bed.content}/pages/`);
  await expect(
    page.getByText('This is a web page, not a file. You can choose from what it has.'),
  ).toBeVisible();
  await expect(has.getByText('<img src=x onerror=alert(1)>')).toBeVisible();
  await has.getByLabel('film.mp4').check();
  await fitForEverybody(page, 'new, what a page has');
  await has.getByRole('button', { name: 'Look inside <b>Reading</b>' }).click();
  await has.getByLabel('paper.pdf').check();
  await send(page, /^Send 2 files$/);

  const [job] = await ana.until('/v1/jobs', (jobs) => jobs[0]?.state === 'done');
  expect(job.name).toBe('<img src=x onerror=alert(1)>');
  expect((await kept(ana, 2)).map((one) => one.split('/').at(-1))).toEqual(['film.mp4', 'paper.pdf']);
});

test('of a page with thousands of links all can be had, in more requests', async ({ page, ana, bed }) => {
  const links = Array.from({ length: 4200 }, (_, index) => `<a href="part${index}.bin">${index}</a>`);
  const { url } = await bed.ask('write', {
    name: 'crowd/index.html',
    text: `<title>Crowd</title>${links.join('')}`,
  });
  const has = list(page, 'What this page has');
  await page.goto('/new');

  await ask(page).fill(String(url));
  await expect(has.getByText('This is not all that is there.')).toBeVisible();
  await expect(has.getByRole('checkbox')).toHaveCount(200);
  await fitForEverybody(page, 'new, a page with thousands of links');
  await has.getByRole('button', { name: 'Show 200 more' }).click();
  await expect(has.getByRole('checkbox')).toHaveCount(400);
  await expect(has.getByLabel('part200.bin')).toBeFocused();
  await has.getByLabel('Show only').fill('part?.bin');
  await has.getByRole('button', { name: 'Choose all 10' }).click();
  await has.getByLabel('Show only').fill('part1???.bin');
  await has.getByRole('button', { name: /^Choose all 1000/ }).click();
  await expect(has.getByText('they are sent as 4')).toBeVisible();
  await page.getByText('Tonight', { exact: true }).click();
  await send(page, /^Send 1010 files$/);
  await fitForEverybody(page, 'new, sent in parts');

  const jobs = await ana.read('/v1/jobs');
  expect(jobs.map((one: any) => one.name).sort()).toEqual(
    [1, 2, 3, 4].map((part) => `Crowd (part ${part} of 4)`),
  );
  expect(jobs.every((one: any) => one.state === 'scheduled')).toBe(true);
  const details = await Promise.all(jobs.map((one: any) => ana.read(`/v1/jobs/${one.id}`)));
  expect(details.reduce((sum: number, one: any) => sum + one.files.length, 0)).toBe(1010);
});

test('a page behind a password is looked into after signing in', async ({ page, ana, bed }) => {
  await bed.ask('write', { name: 'private/list/week1.bin', text: 'for ana' });
  await bed.ask('write', {
    name: 'private/list/index.html',
    text: '<title>Members</title><a href=week1.bin>One</a>',
  });
  await page.goto('/new');

  await ask(page).fill(`${bed.content}/private/list/`);
  await page.getByLabel('How', { exact: true }).selectOption('password');
  await page.getByLabel('Name', { exact: true }).first().fill('ana');
  await page.getByLabel('Password', { exact: true }).fill('open sesame');
  await page.getByRole('button', { name: 'What does it have?' }).click();
  await list(page, 'What this page has').getByLabel('week1.bin').check();
  await fitForEverybody(page, 'new, a page behind a password');
  await send(page);

  const [job] = await ana.until('/v1/jobs', (jobs) => jobs[0]?.state === 'done');
  expect(job.name).toBe('week1.bin');
  const [file] = await ana.read('/v1/files');
  expect(await ana.read(`/v1/files/${file.id}`)).toBe('for ana');
});

test('what cannot be looked into is told, and nothing is sent', async ({ page, ana, bed }) => {
  await page.goto('/new');

  await ask(page).fill(`${bed.content}/missing`);
  await page.getByRole('button', { name: 'What does it have?' }).click();
  await expect(list(page, 'What is there').getByRole('alert')).toBeVisible();
  await fitForEverybody(page, 'new, an address that cannot be looked into');

  expect(await ana.read('/v1/jobs')).toEqual([]);
});
