import { defineConfig } from '@playwright/test';

/** A file has one service, whose tests follow each other through the console as its first operator does; two files at a time. */
export default defineConfig({
  testDir: '.',
  testMatch: '*.browser.ts',
  workers: 2,
  timeout: 600_000,
  expect: { timeout: 60_000 },
  reporter: 'line',
  outputDir: '../../coverage/console',
  snapshotPathTemplate: '{testDir}/looks/{arg}{ext}',
  use: {
    actionTimeout: 60_000,
    launchOptions: { executablePath: process.env.CHROMIUM, args: ['--no-sandbox'] },
    timezoneId: 'Europe/Vienna',
    locale: 'en-GB',
  },
});
