import { cpuMsOf } from '../../test/support/cpu-time';
import { linearPattern } from './linear-patterns';

describe('a pattern of a schema', () => {
  const letters = 'a'.repeat(32_000);

  it.each(['^(a+)+$', '^(a|a)*$', '^(a|aa)+$', '^(a*)*$', '^(.*a){12}$', 'a*a*a*a*a*b', '^(\\w+\\s?)*$'])('%s answers a long text at once', (text) => {
    const pattern = linearPattern(text, 'u');
    expect(cpuMsOf(() => pattern.test(`${letters}!`), 200)).toBeLessThan(400);
  });

  it.each<[string, string[], string[]]>([
    ['^[a-z0-9][a-z0-9._-]{0,49}$', ['report', 'a.b-c_d'], ['Report', '', 'a'.repeat(51)]],
    ['^(\\+\\d{1,3} )?\\d+$', ['+49 30', '30'], ['+ 30']],
    ['^\\p{Lu}\\u00e9.$', ['Éé😀'], ['éé😀']],
    ['^(?<year>\\d{4})-\\/$', ['2026-/'], ['26-/']],
    ['b', ['abc'], ['ac']],
  ])('%s means what it means elsewhere', (text, good, bad) => {
    const [ours, theirs] = [linearPattern(text, 'u'), new RegExp(text, 'u')];
    for (const sample of good) expect([ours.test(sample), theirs.test(sample)]).toEqual([true, true]);
    for (const sample of bad) expect([ours.test(sample), theirs.test(sample)]).toEqual([false, false]);
  });

  it.each(['(?=a)b', '(?<!a)b', '(a)\\1', '(', '(?i)a', 'a{2,1}', '[z-a]', '\\k<n>'])('%s is refused', (text) => {
    expect(() => linearPattern(text, 'u')).toThrow();
  });

  it('is distinguished from another one by its text', () => {
    expect(String(linearPattern('a', 'u'))).not.toBe(String(linearPattern('b', 'u')));
  });
});
