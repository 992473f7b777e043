import { hashKey, isKey, makeKey, shownPrefix } from './key-format';

describe('API key format', () => {
  it('makes keys that differ, carry the prefix and check out', () => {
    const keys = new Set(Array.from({ length: 200 }, makeKey));
    expect(keys.size).toBe(200);
    for (const key of keys) {
      expect(key).toMatch(/^qtd_[0-9A-Za-z]{38}$/);
      expect(isKey(key)).toBe(true);
    }
  });

  it('refuses a key with any one character changed', () => {
    const key = makeKey();
    for (let i = 4; i < key.length; i++) {
      const other = key[i] === 'a' ? 'b' : 'a';
      expect(isKey(key.slice(0, i) + other + key.slice(i + 1))).toBe(false);
    }
  });

  it('refuses other lengths, other prefixes and nothing', () => {
    const key = makeKey();
    for (const text of ['', 'qtd_', key.slice(1), `${key}0`, key.replace('qtd_', 'abc_')]) expect(isKey(text)).toBe(false);
  });

  it('shows twelve characters and hashes to 32 bytes', () => {
    const key = makeKey();
    expect(shownPrefix(key)).toBe(key.slice(0, 12));
    expect(hashKey(key)).toHaveLength(32);
  });
});
