// Runs the console's tests in a real browser: Debian's Chromium, which is installed where that can be done. Where none can be had they are left out, loudly,
// unless REQUIRE_BROWSER=1 asks for them.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';

const PLACES = [process.env.CHROMIUM, '/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];
const find = () => PLACES.find((place) => place && existsSync(place));

if (!find() && process.getuid?.() === 0 && existsSync('/usr/bin/apt-get')) {
  for (const args of [
    ['update', '-qq'],
    ['install', '-y', '-qq', '--no-install-recommends', 'chromium'],
  ]) {
    spawnSync('apt-get', args, { stdio: 'ignore', env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }, timeout: 180_000 });
  }
}
const chromium = find();
if (!chromium) {
  console.log('SKIPPED: no Chromium is here and none could be installed: the console was not looked at in a browser.');
  process.exit(process.env.REQUIRE_BROWSER === '1' ? 1 : 0);
}
const { status } = spawnSync(process.execPath, ['node_modules/@playwright/test/cli.js', 'test', '-c', 'test/console', ...process.argv.slice(2)], {
  stdio: 'inherit',
  env: { ...process.env, CHROMIUM: chromium },
});
process.exit(status ?? 1);
