// SPDX-License-Identifier: Apache-2.0
// Debian's Chromium with its own developer tools, as its debugging port serves them, looking at one page.
import { createRequire } from 'node:module';

const { default: puppeteer } = await import(createRequire(new URL('../web/package.json', import.meta.url)).resolve('puppeteer-core'));

export async function open(profile) {
  const browser = await puppeteer.launch({
    executablePath: '/usr/bin/chromium',
    userDataDir: profile,
    acceptInsecureCerts: true,
    args: ['--no-sandbox', '--disable-gpu', '--no-first-run', '--remote-allow-origins=*'],
  });
  const debugging = new URL(browser.wsEndpoint()).host;
  const page = await browser.newPage();
  const session = await page.createCDPSession();
  const { targetInfo } = await session.send('Target.getTargetInfo');
  const tools = await browser.newPage();
  await tools.goto(`http://${debugging}/devtools/devtools_app.html?ws=${debugging}/devtools/page/${targetInfo.targetId}`);
  // It records from the moment on that it knows the page.
  await tools.waitForFunction(async () => {
    const { TargetManager } = await import('/devtools/core/sdk/sdk.js');
    return TargetManager.TargetManager.instance().primaryPageTarget()?.model(
      (await import('/devtools/core/sdk/sdk.js')).NetworkManager.NetworkManager,
    );
  });
  return {
    agent: await browser.version(),
    page,
    commands: () =>
      tools.evaluate(async () => {
        const { NetworkLogView } = await import('/devtools/panels/network/network.js');
        const { NetworkLog } = await import('/devtools/models/logs/logs.js');
        const found = [];
        for (const request of NetworkLog.NetworkLog.instance().requests()) {
          if (request.requestMethod === 'OPTIONS') continue;
          const make = (platform) => NetworkLogView.NetworkLogView.generateCurlCommand(request, platform);
          found.push({ url: request.url(), bash: await make('unix'), cmd: await make('win') });
        }
        return found;
      }),
    /** What "Export HAR" saves. */
    har: (sanitize) =>
      tools.evaluate(async (asked) => {
        const { Writer } = await import('/devtools/models/har/har.js');
        const { NetworkLog } = await import('/devtools/models/logs/logs.js');
        const progress = { createSubProgress: () => ({}), canceled: false };
        return Writer.Writer.harStringForRequests([...NetworkLog.NetworkLog.instance().requests()], { sanitize: asked }, progress);
      }, sanitize),
    close: () => browser.close(),
  };
}
