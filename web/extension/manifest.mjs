// SPDX-License-Identifier: Apache-2.0
// Makes the folders that browsers load, OUT/chromium and OUT/firefox, out of the one bundle in OUT: they differ in the manifest.
// Why each permission is needed stands in docs/extension.md; a test holds both together.
import { cpSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const out = process.env.RESTANTE_EXTENSION_OUT ?? 'dist';
const { version } = JSON.parse(readFileSync(new URL('package.json', import.meta.url), 'utf8'));

const common = {
  manifest_version: 3,
  name: 'Restante',
  version,
  description: 'Sends downloads to the place where you want them, at the time when you want them.',
  icons: { 48: 'icons/restante-48.png', 96: 'icons/restante-96.png', 128: 'icons/restante-128.png' },
  action: { default_popup: 'popup.html', default_title: 'Restante', default_icon: 'icons/restante-48.png' },
  options_ui: { page: 'options.html', open_in_tab: true },
  permissions: [
    'downloads',
    'cookies',
    'storage',
    'contextMenus',
    'webRequest',
    'notifications',
    'alarms',
    'tabs',
  ],
  host_permissions: ['<all_urls>'],
  content_scripts: [
    {
      matches: ['http://*/*', 'https://*/*'],
      js: ['content.js'],
      run_at: 'document_start',
      all_frames: true,
    },
  ],
};

const chromium = {
  ...common,
  minimum_chrome_version: '128',
  permissions: [...common.permissions, 'declarativeNetRequestWithHostAccess'],
  background: { service_worker: 'background.js', type: 'module' },
  content_security_policy: { extension_pages: "script-src 'self'; object-src 'none'" },
};

const firefox = {
  ...common,
  permissions: [...common.permissions, 'webRequestBlocking'],
  background: { scripts: ['background.js'], type: 'module' },
  // Firefox's own policy would turn requests for a place that speaks plain http on this machine into https.
  content_security_policy: { extension_pages: "script-src 'self'; object-src 'none'" },
  browser_specific_settings: {
    gecko: {
      id: 'extension@restante.invalid',
      strict_min_version: '140.0',
      data_collection_permissions: { required: ['none'] },
    },
    gecko_android: { strict_min_version: '142.0' },
  },
};

const names = readdirSync(out).filter((name) => name !== 'chromium' && name !== 'firefox');
for (const [browser, manifest] of Object.entries({ chromium, firefox })) {
  const folder = join(out, browser);
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder);
  for (const name of names) cpSync(join(out, name), join(folder, name), { recursive: true });
  writeFileSync(join(folder, 'manifest.json'), JSON.stringify(manifest, null, 2) + '\n');
}
for (const name of names) rmSync(join(out, name), { recursive: true });
