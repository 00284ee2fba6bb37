// SPDX-License-Identifier: Apache-2.0
// Debian's Firefox with its own network monitor open beside one page.
import { createRequire } from 'node:module';

const { default: puppeteer } = await import(createRequire(new URL('../web/package.json', import.meta.url)).resolve('puppeteer-core'));

/** In the browser's own window: opens the tools, and looks what they know. */
async function openTools() {
  const { require } = ChromeUtils.importESModule('resource://devtools/shared/loader/Loader.sys.mjs');
  const { gDevTools } = require('devtools/client/framework/devtools');
  await gDevTools.showToolboxForTab(gBrowser.selectedTab, { toolId: 'netmonitor' });
}

async function readTools(names) {
  const { require } = ChromeUtils.importESModule('resource://devtools/shared/loader/Loader.sys.mjs');
  const { gDevTools } = require('devtools/client/framework/devtools');
  const { Curl } = require('devtools/client/shared/curl');
  const toolbox = gDevTools.getToolboxForTab(gBrowser.selectedTab);
  const { store, connector } = toolbox.getCurrentPanel().panelWin;
  const known = () => [...store.getState().requests.requests.values()].filter((one) => one.method !== 'OPTIONS' && one.status);
  const folder = (one) => new URL(one.url).pathname.split('/')[1];
  const isComplete = () => {
    const folders = new Set(known().map(folder));
    return names.every((name) => folders.has(name));
  };
  for (let i = 0; i < 400 && !isComplete(); ++i) await new Promise((done) => setTimeout(done, 50));
  const found = [];
  for (const one of known()) {
    // What netmonitor's copyAsCurl gathers (RequestListContextMenu.js).
    const headers = one.requestHeaders ?? (await connector.requestData(one.id, 'requestHeaders'));
    const body = one.requestPostData ?? (await connector.requestData(one.id, 'requestPostData'));
    const answer = one.responseHeaders ?? (await connector.requestData(one.id, 'responseHeaders'));
    const data = {
      url: one.url,
      method: one.method,
      headers: headers.headers,
      responseHeaders: answer.headers,
      httpVersion: one.httpVersion,
      postDataText: body ? body.postData.text : '',
    };
    found.push({ url: one.url, bash: Curl.generateCommand(data, 'Linux'), cmd: Curl.generateCommand(data, 'WINNT') });
  }
  return JSON.stringify(found);
}

async function exportTools() {
  const { require } = ChromeUtils.importESModule('resource://devtools/shared/loader/Loader.sys.mjs');
  const { gDevTools } = require('devtools/client/framework/devtools');
  const { HarExporter } = require('devtools/client/netmonitor/src/har/har-exporter');
  const { store, connector } = gDevTools.getToolboxForTab(gBrowser.selectedTab).getCurrentPanel().panelWin;
  return HarExporter.fetchHarData({ connector, items: [...store.getState().requests.requests.values()], includeResponseBodies: false });
}

export async function open(profile) {
  const browser = await puppeteer.launch({
    browser: 'firefox',
    executablePath: '/usr/bin/firefox-esr',
    headless: true,
    userDataDir: profile,
    acceptInsecureCerts: true,
    args: ['-remote-allow-system-access'],
    extraPrefsFirefox: { 'devtools.netmonitor.persistlog': true },
  });
  const page = await browser.newPage();
  const send = (method, given) => browser.connection.send(method, given);
  const windows = await send('browsingContext.getTree', { 'moz:scope': 'chrome', maxDepth: 0 });
  const { context } = windows.result.contexts[0];
  const inWindow = async (work, ...given) => {
    const expression = `(${work})(${given.map((one) => JSON.stringify(one)).join()})`;
    const { result } = await send('script.evaluate', { expression, target: { context }, awaitPromise: true });
    if (result.exceptionDetails) throw new Error(result.exceptionDetails.text);
    return result.result.value;
  };
  await inWindow(openTools);
  return {
    agent: await browser.version(),
    page,
    commands: async (names) => JSON.parse(await inWindow(readTools, names)),
    /** What "Save All As HAR" saves; it leaves nothing out. */
    har: () => inWindow(exportTools),
    close: () => browser.close(),
  };
}
