import { expect, type Page, test } from '@playwright/test';
import { boxFont } from './box-font';
import { logIn, settled, Started, watched } from './driving';
import { answerFixtures, NOW } from './fixtures';

const PAGES = {
  overview: '',
  users: 'users',
  today: 'users/1?tab=today',
  usage: 'users/1?tab=usage',
  requests: 'requests',
  keys: 'users/1?tab=keys',
  grants: 'users/1?tab=grants',
  'plan-changes': 'plan-changes',
};

/** Pictures of the pages, in which each sign is a box of the same size: they show layout and colours, and are the same whatever fonts a machine has. */
test.describe('the pages of the console', () => {
  let service: Started;
  let base: string;
  test.beforeAll(async () => {
    service = await Started.begin();
    base = service.shown(/API +(http\S+)/).replace('localhost', '127.0.0.1');
  });
  test.afterAll(() => service.end());

  async function inBoxes(page: Page): Promise<void> {
    const font = `@font-face { font-family: Boxes; src: url(data:font/ttf;base64,${boxFont().toString('base64')}) }`;
    // A caret blinks, and what the browser draws of its own differs with its release.
    await page.addStyleTag({ content: `${font} * { font-family: Boxes !important; caret-color: transparent !important } select { appearance: none }` });
    await page.evaluate('document.fonts.load("16px Boxes")');
  }

  test('look as they did, in light and in dark', async ({ browser }) => {
    const { page, faults } = await watched(browser, { bypassCSP: true, viewport: { width: 1000, height: 700 }, colorScheme: 'light' });
    await logIn(page, base, service.shown(/password +(\S+)/));
    await page.clock.setFixedTime(NOW);
    await answerFixtures(page);
    for (const [name, path] of Object.entries(PAGES)) {
      await page.goto(`${base}/console/${path}`);
      await settled(page);
      await inBoxes(page);
      for (const colorScheme of ['light', 'dark'] as const) {
        await page.emulateMedia({ colorScheme });
        expect.soft(await page.screenshot()).toMatchSnapshot(`${name}-${colorScheme}.png`, { maxDiffPixelRatio: 0.02 });
      }
    }
    expect(faults).toEqual([]);
  });

  test('ask for less than one answer a second while they are open', async ({ browser }) => {
    const { page } = await watched(browser);
    await logIn(page, base, service.shown(/password +(\S+)/));
    for (const path of ['', 'requests', 'jobs', 'health', 'users/1']) {
      const open = await page.context().newPage();
      await open.clock.install();
      await open.goto(`${base}/console/${path}`);
      await settled(open);
      let asked = 0;
      open.on('request', () => asked++);
      await open.clock.runFor(60_000);
      expect.soft(asked, path).toBeLessThanOrEqual(60);
      await open.close();
    }
  });

  test('are printed in dark ink on white, without what stands around them', async ({ browser }) => {
    const { page, faults } = await watched(browser, { colorScheme: 'dark' });
    await logIn(page, base, service.shown(/password +(\S+)/));
    await page.goto(`${base}/console/users`);
    await settled(page);
    await page.emulateMedia({ media: 'print' });
    expect(await page.evaluate('getComputedStyle(document.body).color')).toBe('rgb(15, 23, 42)');
    for (const gone of ['.top', '.side', '.filters']) await expect(page.locator(gone)).toBeHidden();
    await expect(page.getByRole('cell', { name: 'admin@quotidian.local' })).toBeVisible();
    expect(await page.pdf()).not.toHaveLength(0);
    expect(faults).toEqual([]);
  });

  test('of another release stay as they are, with what was typed, until somebody loads them anew', async ({ browser }) => {
    const { page, faults } = await watched(browser);
    await logIn(page, base, service.shown(/password +(\S+)/));
    await page.goto(`${base}/console/settings/quota.refundPolicy`);
    await settled(page);
    await page.getByLabel('Reason').fill('not lost');
    // As after an upgrade: the files that the page knows are gone, and the page as it is loaded anew knows others.
    let isOld = true;
    page.on('request', (request) => {
      if (request.isNavigationRequest()) isOld = false;
    });
    await page.route('**/console/assets/*', (route) => (isOld ? route.fulfill({ status: 404, body: '' }) : route.continue()));
    const account = page.locator('a.account');
    await account.hover();
    await expect(page.getByRole('status').filter({ hasText: 'Another release serves by now' })).toBeVisible();
    await expect(page.getByLabel('Reason')).toHaveValue('not lost');
    await page.getByRole('button', { name: 'Dry run' }).click();
    await expect(page.getByText('no difference').first()).toBeVisible();
    await expect(page.getByLabel('Reason')).toHaveValue('not lost');
    await account.click();
    await expect(page.getByRole('heading', { name: 'Password' })).toBeVisible();
    await expect(page.getByText('Another release serves by now')).toHaveCount(0);
    expect(faults.filter((fault) => !fault.includes('dynamically imported module'))).toEqual([]);
  });
});
