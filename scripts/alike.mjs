import { existsSync, readFileSync } from 'node:fs';

/**
 * Whether a file holds a text but for how it is laid out: spaces, and the dashes that rule off a table. Formatting costs a hundred times as much
 * as that, and most of what is generated is there already. Checks format all the same.
 * @param {string} path
 * @param {string} text as it was made, not formatted yet
 */
export function holds(path, text) {
  return existsSync(path) && plain(readFileSync(path, 'utf8')) === plain(text);
}

/** @param {string} text */
function plain(text) {
  return text.replace(/-{3,}/g, '---').replace(/\s+/g, '');
}
