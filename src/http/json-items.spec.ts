import { parseJsonBody } from './json-body';
import { FlawedItem } from './json-items';
import { type Problem } from './problem';

const parse = (text: string) => parseJsonBody(Buffer.from(text), true);
/** What became of each item: itself, or the code and place of what is wrong with it. */
const outcomes = (text: string) =>
  (parse(text) as { items: unknown[] }).items.map((item) => {
    if (!(item instanceof FlawedItem)) return item;
    const { code, errors } = item.problem.getResponse() as { code: string; errors?: { code: string; pointer: string }[] };
    return errors === undefined ? code : `${errors[0]?.code} ${errors[0]?.pointer}`;
  });
const refusal = (text: string) => {
  try {
    parse(text);
  } catch (error) {
    return ((error as Problem).getResponse() as { errors: [{ pointer: string }] }).errors[0].pointer;
  }
  return null;
};

describe('the items of a call with many', () => {
  it('are each taken or refused for themselves', () => {
    const deep = `${'['.repeat(33)}${']'.repeat(33)}`;
    const text = `{"items": [{"a":"x"}, {"a":["b\u005cu0000"]},"\\ud800" ,${deep}, [1e400], {"__proto__":1}, "],[{", 7 ] }`;
    expect(outcomes(text)).toEqual([
      { a: 'x' },
      'nul-character #/items/1/a/0',
      'lone-surrogate #/items/2',
      expect.stringMatching(/^too-deep #\/items\/3/),
      'inexact-number #/items/4/0',
      'malformed-json',
      '],[{',
      7,
    ]);
  });

  it('may be as deep as a body of their own', () => {
    const deep = `${'['.repeat(32)}${']'.repeat(32)}`;
    expect(outcomes(`{"items":[${deep}]}`)).toEqual([JSON.parse(deep)]);
  });

  it('are those of the last list of that name, however it is written, and of the root alone', () => {
    expect(outcomes(String.raw`{"items":[1e400],"x":{"items":[2]},"\u0069tems":["\u0000"]}`.replace('1e400', '1'))).toEqual(['nul-character #/items/0']);
    expect(refusal(String.raw`{"items":["\u0000"],"items":[1]}`)).toBe('#/items/0');
    expect(refusal(String.raw`{"x":{"items":["\u0000"]},"items":[1]}`)).toBe('#/x/items/0');
  });

  it('do not save a call whose rest is wrong, that has none, or more than it may', () => {
    expect(refusal(String.raw`{"items":["\u0000"],"x":"\ud800"}`)).toBe('#/x');
    expect(refusal(String.raw`{"items":{"0":"\u0000"}}`)).toBe('#/items/0');
    expect(refusal(String.raw`[{"items":["\u0000"]}]`)).toBe('#/0/items/0');
    expect(
      refusal(
        `{"items":[${Array(101)
          .fill(String.raw`"\u0000"`)
          .join()}]}`,
      ),
    ).toBe('#/items/0');
    expect(refusal(String.raw`{"items":[],"x":"\u0000"}`)).toBe('#/x');
  });
});
