// SPDX-License-Identifier: Apache-2.0
import { defineConfig } from '@playwright/test';

export default defineConfig({
  workers: 2,
  forbidOnly: true,
  // These end what hangs; how quick a machine is decides nothing.
  timeout: 180_000,
  expect: { timeout: 45_000 },
  reporter: [['list'], ['./tally.ts']],
  use: {
    launchOptions: { executablePath: '/usr/bin/chromium', args: ['--no-sandbox'] },
    serviceWorkers: 'block',
    locale: 'en-GB',
    timezoneId: 'Europe/Paris',
    trace: 'off',
  },
  projects: [
    { name: 'web', testDir: 'flows', fullyParallel: true },
    // One browser with the extension for each file of tests: what one test leaves, the next one would meet.
    { name: 'extension', testDir: 'extension', fullyParallel: false },
  ],
});
