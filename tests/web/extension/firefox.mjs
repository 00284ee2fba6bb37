// SPDX-License-Identifier: Apache-2.0
// firefox.mjs EXTENSION PROFILE: Firefox with the extension, asked by lines.
import puppeteer from 'puppeteer-core';
import { serve } from './lines.mjs';

const [extension, profile] = process.argv.slice(2);
const ID = 'extension@restante.invalid';
const UUID = '6f1d2c1e-0c52-4c1b-9b53-8c5f0c1f7a11';
const browser = await puppeteer.launch({
  browser: 'firefox',
  executablePath: '/usr/bin/firefox-esr',
  headless: true,
  userDataDir: profile,
  acceptInsecureCerts: false,
  // The pages of an extension are opened for the system only.
  args: ['-remote-allow-system-access'],
  extraPrefsFirefox: {
    // So that the pages of the extension have an address that is known beforehand.
    'extensions.webextensions.uuids': JSON.stringify({ [ID]: UUID }),
    'privacy.userContext.enabled': true,
    'browser.download.useDownloadDir': true,
    'browser.download.folderList': 2,
    'browser.download.dir': `${profile}/downloads`,
    'browser.download.alwaysOpenPanel': false,
    // What a browser asks its maker for by itself would be counted.
    'network.captive-portal-service.enabled': false,
    'network.connectivity-service.enabled': false,
    'services.settings.server': 'data:,',
    'browser.safebrowsing.downloads.remote.enabled': false,
  },
});
await browser.installExtension(extension);
const control = await browser.newPage();
// The page is another process's, and its loading is never told.
await control.goto(`moz-extension://${UUID}/options.html`, { timeout: 2000 }).catch(() => undefined);
await control.waitForFunction(() => location.protocol === 'moz-extension:');
let page = await browser.newPage();

await serve(
  { agent: await browser.version() },
  {
    ask: ({ what }) => control.evaluate((asked) => chrome.runtime.sendMessage(asked), what),
    downloads: () => control.evaluate(() => chrome.downloads.search({})),
    forget: () => control.evaluate(() => chrome.downloads.erase({})),
    goto: async ({ url }) => {
      // A navigation that was cancelled confuses the next one in the same tab.
      await page.close().catch(() => undefined);
      page = await browser.newPage();
      await page.goto(url, { waitUntil: 'domcontentloaded' });
    },
    // In a container: with cookies of its own.
    contained: async ({ url }) => {
      const opened = new Promise((next) => browser.once('targetcreated', next));
      await control.evaluate(
        (there) =>
          chrome.tabs.create({
            url: there,
            cookieStoreId: 'firefox-container-1',
          }),
        url,
      );
      page = await (await opened).page();
      await page.waitForSelector('a');
    },
    click: ({ selector }) => page.click(selector),
    url: () => page.url(),
  },
);
await browser.close();
