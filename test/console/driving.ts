import AxeBuilder from '@axe-core/playwright';
import { type Browser, expect, type Page } from '@playwright/test';
import { type ChildProcess, spawn } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export const ROOT = join(__dirname, '../..');
const RULES = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'];
export const PASSWORD = 'a password of my own';

/** The service as `npm start` runs it, on a fresh machine. */
export class Started {
  output = '';
  private constructor(
    private readonly folder: string,
    private readonly child: ChildProcess,
  ) {}

  static async begin(): Promise<Started> {
    const folder = mkdtempSync(join(tmpdir(), 'quotidian-browser-'));
    chmodSync(folder, 0o755);
    const env = { ...process.env, DATA_DIR: join(folder, 'data'), PORT: '0', LOG_FORMAT: 'json', TRUST_PROXY: '127.0.0.1' };
    const started = new Started(folder, spawn(process.execPath, ['dist/src/cli.js', 'serve'], { cwd: ROOT, env }));
    started.child.stdout?.on('data', (text) => (started.output += String(text)));
    await expect(() => expect(started.output).toMatch(/begin here/)).toPass({ timeout: 300_000 });
    return started;
  }

  shown(pattern: RegExp): string {
    return pattern.exec(this.output)?.[1] ?? '';
  }

  async end(): Promise<void> {
    const gone = new Promise((resolve) => this.child.once('exit', resolve));
    this.child.kill('SIGTERM');
    await gone;
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** A page that counts what its policy stopped, and what went wrong in it. Nothing moves in it: a colour on its way to another is neither. */
export async function watched(browser: Browser, options: Parameters<Browser['newPage']>[0] = {}): Promise<{ page: Page; faults: string[] }> {
  const page = await (await browser.newContext({ viewport: { width: 1440, height: 900 }, reducedMotion: 'reduce', ...options })).newPage();
  const faults: string[] = [];
  await page.exposeFunction('noteFault', (fault: string) => void faults.push(fault));
  await page.addInitScript({ content: `addEventListener('securitypolicyviolation', (event) => noteFault(event.violatedDirective + ' ' + event.blockedURI))` });
  page.on('pageerror', ({ message }) => faults.push(message));
  page.on('dialog', (dialog) => faults.push(`a dialog: ${dialog.message()}`));
  page.on('request', (request) => {
    if (new URL(request.url()).hostname !== '127.0.0.1') faults.push(`asked ${request.url()}`);
  });
  return { page, faults };
}

/** What programs do, by the key that the start shows. */
export async function post(service: Started, base: string, path: string, body: object): Promise<void> {
  const headers = { authorization: `Bearer ${service.shown(/API key +(\S+)/)}`, 'content-type': 'application/json' };
  const { status } = await fetch(base + path, { method: 'POST', headers, body: JSON.stringify(body) });
  expect(status).toBe(201);
}

/** When the page has what it asked for. */
export async function settled(page: Page): Promise<void> {
  await expect(page.locator('main#main h1')).toBeVisible();
  await expect(page.locator('.waiting')).toHaveCount(0);
}

export async function logIn(page: Page, base: string, password = PASSWORD): Promise<void> {
  await page.goto(`${base}/console/`);
  await page.getByLabel('E-mail').fill('admin@quotidian.local');
  await page.getByLabel('Password').fill(password);
  await page.getByRole('button', { name: 'Log in' }).click();
  await settled(page);
}

/** What axe finds; of these rules alone, where they are given. */
export async function violations(page: Page, rules?: string[]): Promise<string[]> {
  const axe = new AxeBuilder({ page });
  const { violations: found } = await (rules ? axe.withRules(rules) : axe.withTags(RULES)).analyze();
  return found.map(({ id, nodes }) => `${new URL(page.url()).pathname}: ${id} ${nodes.map(({ html }) => html).join(' ')}`);
}
