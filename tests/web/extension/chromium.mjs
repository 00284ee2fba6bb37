// SPDX-License-Identifier: Apache-2.0
// chromium.mjs EXTENSION PROFILE: Chromium with the extension, asked by lines.
import { chromium } from 'playwright-core';
import { serve } from './lines.mjs';

const [extension, profile] = process.argv.slice(2);
const context = await chromium.launchPersistentContext(profile, {
  executablePath: '/usr/bin/chromium',
  headless: true,
  args: [
    '--no-sandbox',
    // What a browser asks its maker for by itself would be counted.
    '--disable-background-networking',
    '--disable-component-update',
    `--disable-extensions-except=${extension}`,
    `--load-extension=${extension}`,
  ],
});
const worker = context.serviceWorkers()[0] ?? (await context.waitForEvent('serviceworker'));
worker.on?.('console', (message) => console.error('background:', message.text()));
const id = new URL(worker.url()).host;
const control = await context.newPage();
await control.goto(`chrome-extension://${id}/icons/restante-48.png`);
let page = await context.newPage();

await serve(
  { agent: await control.evaluate(() => navigator.userAgent) },
  {
    ask: ({ what }) => control.evaluate((asked) => chrome.runtime.sendMessage(asked), what),
    downloads: () => control.evaluate(() => chrome.downloads.search({})),
    forget: () => control.evaluate(() => chrome.downloads.erase({})),
    goto: async ({ url }) => void (await page.goto(url)),
    click: ({ selector }) => page.click(selector, { noWaitAfter: true }),
    url: () => page.url(),
  },
);
await context.close();
