import { type Browser, expect, type Page, test } from '@playwright/test';
import { logIn, post, settled, Started, violations, watched } from './driving';

const UNBROKEN = 'w'.repeat(10_000);
const MARKUP = `"><img src=x onerror=alert(1)><script>alert(2)</script><svg onload=alert(3)>{{7*7}}\u202egnihton\u2066`;
const EMAIL = 'grace@example.com';

test.describe('flows of the console', () => {
  let service: Started;
  let base: string;
  let password: string;
  test.beforeAll(async () => {
    service = await Started.begin();
    base = service.shown(/API +(http\S+)/).replace('localhost', '127.0.0.1');
    password = service.shown(/password +(\S+)/);
    await post(service, base, '/v1/tiers', { name: 'small', dailyQuota: 7 });
    await post(service, base, '/v1/users', { email: EMAIL, password: 'correct horse battery', tier: 'small' });
  });
  test.afterAll(() => service.end());

  const opened = async (browser: Browser, path: string): Promise<{ page: Page; faults: string[] }> => {
    const seen = await watched(browser);
    await logIn(seen.page, base, password);
    await seen.page.goto(`${base}/console/${path}`);
    await settled(seen.page);
    return seen;
  };
  /** By keyboard: focus is where somebody who tabs comes by, and the rest is typed. */
  const press = (page: Page, name: string | RegExp) => page.getByRole('button', { name }).press('Enter');

  test('grants units and revokes them, by keyboard alone', async ({ browser }) => {
    const { page, faults } = await opened(browser, 'users/2?tab=grants');
    await press(page, 'Grant units');
    await page.keyboard.type('50');
    for (let i = 0; i < 9 && (await page.evaluate('document.activeElement.name')) !== 'reason'; i++) await page.keyboard.press('Tab');
    await page.keyboard.type('an apology');
    await page.keyboard.press('Enter');
    await expect(page.getByRole('cell', { name: 'an apology' })).toBeVisible();
    await expect(page.getByText('can be drawn')).toBeVisible();
    expect(await violations(page)).toEqual([]);
    await press(page, /^Revoke grant/);
    await page.keyboard.type('enough');
    await page.keyboard.press('Enter');
    await expect(page.getByText('revoked')).toBeVisible();
    await expect(page.getByRole('button', { name: /^Revoke grant/ })).toHaveCount(0);
    expect(faults).toEqual([]);
  });

  test('changes a plan on a date, shows it among those that wait, and cancels it, by keyboard alone', async ({ browser }) => {
    const { page, faults } = await opened(browser, 'users/2');
    await press(page, 'Change plan');
    const dialog = page.getByRole('dialog');
    await dialog.getByLabel('Plan', { exact: true }).selectOption('free');
    await dialog.getByLabel('From').selectOption('date');
    await dialog.getByLabel('Date').fill('2001-01-01');
    await press(page, 'Preview');
    await expect(dialog.getByRole('alert')).toBeVisible();
    await dialog.getByLabel('Date').fill(new Date(Date.now() + 40 * 86_400_000).toISOString().slice(0, 10));
    await press(page, 'Preview');
    await expect(dialog.getByRole('status')).toContainText('left today');
    await dialog.getByRole('button', { name: 'Change plan' }).press('Enter');
    await expect(dialog).toHaveCount(0);
    await page.keyboard.press('Control+k');
    await page.keyboard.type('changes of');
    await page.keyboard.press('Enter');
    await expect(page.getByRole('cell', { name: EMAIL, exact: true })).toBeVisible();
    expect(await violations(page)).toEqual([]);
    await press(page, /^Cancel it: the change of plan of/);
    await dialog.getByRole('button', { name: 'Have it not happen' }).press('Enter');
    await expect(page.getByText('No change of plan waits')).toBeVisible();
    expect(faults).toEqual([]);
  });

  test('lets one user beyond their quota, tries it out, bounds what is in flight, and goes back to the plan', async ({ browser }) => {
    const { page, faults } = await opened(browser, 'users/2');
    await page.getByText('More limits…').press('Enter');
    const dialog = page.getByRole('dialog');
    const act = async (name: string, fill: () => Promise<unknown>) => {
      await press(page, name);
      await fill();
      await dialog.getByLabel('Reason').fill('as agreed');
      await dialog.getByRole('button', { name: /^Change it|^End/ }).press('Enter');
      await expect(dialog).toHaveCount(0);
    };
    await act('Beyond the quota', () => dialog.getByLabel('Units in a period').fill('5'));
    await expect(page.getByRole('heading', { name: 'Overage' })).toBeVisible();
    await act('Units in flight', () => dialog.getByLabel('Units in flight').fill('3'));
    await expect(page.getByRole('heading', { name: 'In flight' })).toBeVisible();
    await act('Try the quota out', () => dialog.getByLabel('The quota').selectOption('tried'));
    await act('Try the quota out', () => dialog.getByLabel('The quota').selectOption('plan'));
    await act('Beyond the quota', () => dialog.getByLabel('Beyond the quota').selectOption('plan'));
    await expect(page.getByRole('heading', { name: 'Overage' })).toHaveCount(0);
    await page.keyboard.press('Escape');
    await press(page, 'Override quota');
    await dialog.getByLabel('Units a day').fill('9');
    await dialog.getByLabel('Reason').fill('a busy day');
    await dialog.getByRole('button', { name: 'Override quota' }).press('Enter');
    await expect(page.getByText('a busy day')).toBeVisible();
    await page.getByText('More limits…').press('Enter');
    await act('End the override', () => Promise.resolve());
    await expect(page.getByText('a busy day')).toHaveCount(0);
    expect(faults).toEqual([]);
  });

  test('shows requests as they are made and as they end, by one stream, and finds them by a member of their payload', async ({ browser }) => {
    const { page, faults } = await watched(browser);
    const streams: string[] = [];
    page.on('request', (request) => {
      if (request.url().endsWith('/v1/requests/events')) streams.push(request.url());
    });
    await logIn(page, base, password);
    const open = page.waitForResponse('**/v1/requests/events');
    await page.goto(`${base}/console/requests`);
    await open;
    await post(service, base, '/v1/requests', { type: 'live', payload: { orderId: 4711 } });
    await expect(page.getByRole('cell', { name: 'live', exact: true })).toBeVisible();
    await post(service, base, '/v1/requests', { type: 'other', payload: { orderId: 4712, [MARKUP]: MARKUP } });
    await expect(page.getByRole('cell', { name: 'other', exact: true })).toBeVisible();
    expect(streams).toHaveLength(1);
    await page.getByLabel('Payload has').fill('orderId');
    await page.getByLabel('with the value').fill('4711');
    await page.keyboard.press('Enter');
    await expect(page).toHaveURL(/payloadKey=orderId&payloadValue=4711/);
    await expect(page.getByRole('cell', { name: 'other', exact: true })).toHaveCount(0);
    await expect(page.getByRole('cell', { name: 'live', exact: true })).toBeVisible();
    await page.getByLabel('Payload has').fill(MARKUP);
    await page.getByLabel('with the value').fill('');
    await page.keyboard.press('Enter');
    await expect(page.getByRole('cell', { name: 'live', exact: true })).toHaveCount(0);
    await page.reload();
    await settled(page);
    await expect(page.getByRole('cell', { name: 'other', exact: true })).toBeVisible();
    expect(faults).toEqual([]);
  });

  test('shows whatever somebody stored as text, on every page that has it, no wider than the screen', async ({ browser }) => {
    await post(service, base, '/v1/users/2/api-keys', { name: MARKUP.slice(0, 90) });
    await post(service, base, '/v1/users/2/quota/grants', { units: 1, reason: MARKUP });
    await post(service, base, '/v1/requests', {
      type: 'torture',
      userId: 2,
      payload: { [UNBROKEN.slice(0, 500)]: UNBROKEN, [MARKUP]: [MARKUP, { [MARKUP]: 1 }] },
    });
    await post(service, base, '/v1/webhook-endpoints', {
      url: `https://example.com/${encodeURIComponent(MARKUP)}`,
      events: ['request.*'],
      description: MARKUP,
    });
    const login = { method: 'POST', headers: { 'content-type': 'application/json', 'user-agent': MARKUP.replace(/[^ -~]/g, '') } };
    await fetch(`${base}/v1/auth/login`, { ...login, body: JSON.stringify({ email: EMAIL, password: 'correct horse battery' }) });
    const { page, faults } = await opened(browser, 'users/2?tab=keys');
    await page.setViewportSize({ width: 360, height: 740 });
    const wide: string[] = [];
    const look = async () => {
      await settled(page);
      const width = Number(await page.evaluate('document.documentElement.scrollWidth'));
      if (width > 360) wide.push(`${page.url()} is ${width} px wide`);
    };
    for (const path of ['users/2?tab=keys', 'users/2?tab=sessions', 'users/2?tab=grants', 'users/2?tab=usage', 'webhooks', 'webhooks/1', 'audit', 'plans']) {
      await page.goto(`${base}/console/${path}`);
      await look();
    }
    await page.goto(`${base}/console/users/2?tab=sessions`);
    await expect(page.getByText('onerror=alert(1)').first()).toBeVisible();
    await page.goto(`${base}/console/requests?type=torture`);
    await settled(page);
    await page.getByRole('link', { name: /^[0-9a-f-]{36}$/ }).click();
    await expect(page.getByText('onerror=alert(1)').first()).toBeVisible();
    await look();
    expect(await violations(page)).toEqual([]);
    expect(wide).toEqual([]);
    expect(await page.locator('main script, main img, main svg[onload]').count()).toBe(0);
    expect(faults).toEqual([]);
  });

  test('hands out what the page did as curl, without token and password', async ({ browser }) => {
    const { page, faults } = await opened(browser, 'users/2?tab=account');
    await page.getByRole('button', { name: 'Change the password' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByLabel('New password').fill('a password that nobody sees');
    await dialog.getByRole('button', { name: 'Change the password' }).click();
    await expect(dialog).toHaveCount(0);
    await page.getByRole('button', { name: 'Copy as curl' }).click();
    const text = await dialog.locator('pre').innerText();
    expect(text).toMatch(/curl -X PUT -H "Authorization: Bearer \$TOKEN" .*\/v1\/users\/2\/password/);
    expect(text).toContain('"newPassword":"…"');
    expect(text).not.toMatch(/nobody sees|eyJ/);
    expect(faults).toEqual([]);
  });
});
