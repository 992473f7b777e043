import { expect, test } from '@playwright/test';
import { logIn, post, settled, Started, watched } from './driving';

test.describe.configure({ mode: 'serial' });

test.describe('edits in the console', () => {
  let service: Started;
  let base: string;
  let password: string;
  test.beforeAll(async () => {
    service = await Started.begin();
    base = service.shown(/API +(http\S+)/).replace('localhost', '127.0.0.1');
    password = service.shown(/password +(\S+)/);
    await post(service, base, '/v1/users/1/api-keys', { name: 'laptop' });
    await post(service, base, '/v1/tiers', { name: 'small', dailyQuota: 7 });
  });
  test.afterAll(() => service.end());

  test('shows both of two versions when somebody else was first, and saves by a form made from the schema', async ({ browser }) => {
    const { page, faults } = await watched(browser);
    await logIn(page, base, password);
    const other = await page.context().newPage();
    for (const one of [page, other]) await one.goto(`${base}/console/settings/webhooks.retentionDays`);
    await other.getByLabel('Value (days)').fill('31');
    await other.getByRole('button', { name: 'Save' }).click();
    await expect(other.getByRole('status')).toContainText('Version 1 is in force');
    await page.getByLabel('Value (days)').fill('45');
    await page.getByRole('button', { name: 'Save' }).click();
    const both = page.getByRole('region', { name: 'Two versions' });
    await expect(both).toContainText('31');
    await expect(both).toContainText('45');
    await both.getByRole('button', { name: 'Go on with yours over theirs' }).click();
    await page.getByRole('button', { name: 'Save' }).click();
    await expect(page.getByRole('status')).toContainText('Version 2 is in force');
    await page.getByLabel('Value (days)').fill('0');
    await page.getByRole('button', { name: 'Save' }).click();
    await expect(page.getByText('Version 2 is in force')).toBeVisible();
    expect(faults).toEqual([]);
  });

  test('shows every form of a plan, and both of two versions when somebody else changed it first', async ({ browser }) => {
    const { page, faults } = await watched(browser);
    await logIn(page, base, password);
    const other = await page.context().newPage();
    for (const one of [page, other]) {
      await one.goto(`${base}/console/plans`);
      await one.getByRole('link', { name: 'small' }).click();
      await settled(one);
    }
    await other.getByLabel('Beyond the quota').selectOption('as follows');
    await other.getByLabel(/^max/).fill('3');
    await other.getByRole('button', { name: 'Save' }).click();
    await expect(other.getByRole('status')).toContainText('Saved');
    await page.getByLabel(/^Units a day/).fill('8');
    await page.getByLabel(/^The day begins at/).fill('06:00');
    await page.getByRole('button', { name: 'Save' }).click();
    const both = page.getByRole('region', { name: 'Two versions' });
    await expect(both).toContainText('overage');
    await expect(both).toContainText('06:00');
    await both.getByRole('button', { name: 'Go on with theirs' }).click();
    await page.getByLabel(/^The day begins at/).fill('25:00');
    await page.getByRole('button', { name: 'Save' }).click();
    await expect(page.getByRole('alert')).toContainText('Validation failed');
    await page.getByLabel(/^The day begins at/).fill('06:00');
    await page.getByRole('button', { name: 'Save' }).click();
    await expect(page.getByRole('status')).toContainText('Saved');
    await page.goto(`${base}/console/plans`);
    await expect(page.getByRole('cell', { name: 'goes beyond, day from 06:00' })).toBeVisible();
    expect(faults).toEqual([]);
  });

  test('rotates a key with an overlap, sets a value of one’s own and goes back to the inherited one', async ({ browser }) => {
    const { page, faults } = await watched(browser);
    await logIn(page, base, password);
    await page.goto(`${base}/console/users/1?tab=keys`);
    await page.getByRole('button', { name: /^Rotate laptop/ }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByRole('button', { name: 'Rotate the key' }).click();
    await expect(dialog.getByText(/^qtd_/)).toBeVisible();
    await dialog.getByRole('button', { name: 'Done' }).click();
    await expect(page.getByText('the former secret until')).toBeVisible();
    await page.goto(`${base}/console/users/1?tab=settings`);
    const other = await page.context().newPage();
    await other.goto(`${base}/console/users/1?tab=settings`);
    await page.getByRole('button', { name: 'Set notifications.quotaMails' }).click();
    await other.getByRole('button', { name: 'Set notifications.quotaMails' }).click();
    await other.getByLabel(/^Value/).fill('[0.5]');
    await other.getByRole('button', { name: 'Set', exact: true }).click();
    await expect(other.getByRole('dialog')).toHaveCount(0);
    await dialog.getByLabel(/^Value/).fill('[0.7]');
    await dialog.getByRole('button', { name: 'Set', exact: true }).click();
    await expect(dialog.getByRole('region', { name: 'Two versions' })).toContainText('0.5');
    await dialog.getByRole('button', { name: 'Go on with yours over theirs' }).click();
    await dialog.getByLabel(/^Value/).fill('[2]');
    await dialog.getByRole('button', { name: 'Set', exact: true }).click();
    await expect(dialog.getByRole('alert')).toContainText('Validation failed');
    await dialog.getByLabel(/^Value/).fill('[0.9]');
    await dialog.getByRole('button', { name: 'Set', exact: true }).click();
    await page.getByRole('button', { name: 'Back to inherited: notifications.quotaMails' }).click();
    await dialog.getByRole('button', { name: 'Back to inherited' }).click();
    await expect(page.getByRole('button', { name: /^Back to inherited/ })).toHaveCount(0);
    expect(faults).toEqual([]);
  });
});
