import { type ValidationProblem } from '../http/problem';
import { readDocument, type SettingsDocument, writeDocument } from './settings-document';

function refusalOf(text: string): string {
  try {
    readDocument(text);
  } catch (error) {
    return (error as ValidationProblem).message;
  }
  throw new Error(`accepted ${text}`);
}

describe('a file of settings', () => {
  it('reads back what was written, whatever the values look like', () => {
    const values = ['yes', 'null', '1e3', '2026-01-01', '=', '<<', '# no', 'a\n  b\n', ' ', '𝒳', 1e300, 0.1, -1, true, null, [], {}, { '1': [{ a: 'b' }] }];
    const document: SettingsDocument = new Map(values.map((value, i) => [`key.${i}`, { value, description: JSON.stringify(value) }]));
    expect(readDocument(writeDocument(document))).toEqual(document);
  });

  it('may be JSON', () => {
    expect(readDocument('{"settings": {"a": {"value": 1}}}')).toEqual(new Map([['a', { value: 1 }]]));
  });

  it.each([
    ['', /is not valid YAML/],
    ['settings: [', /is not valid YAML/],
    ['other: 1', /must be `settings:`/],
    ['settings: {}\nother: 1', /must be `settings:`/],
    ['settings:\n  a: 1', /#\/settings\/a: must be an object/],
    ['settings:\n  a:\n    value: 1\n    colour: red\n', /#\/settings\/a\/colour: is not a known field/],
    ['settings:\n  a:\n    value: 1\n    valueFromEnv: B\n', /valueFromEnv: must be the name/],
    ['settings:\n  a:\n    value: 9007199254740993\n', /cannot be held exactly/],
    ['settings:\n  a:\n    value: .inf\n', /cannot be held exactly/],
    ['settings:\n  a:\n    value: "\\0"\n', /#\/settings\/a\/value: contains the character U\+0000/],
    ['settings:\n  a:\n    value: { __proto__: 1 }\n', /__proto__/],
    ['settings:\n  a:\n    value: 1\n  a:\n    value: 2\n', /is not valid YAML: dupl/],
  ])('is refused with its flaw: %j', (text, message) => {
    expect(refusalOf(text)).toMatch(message);
  });
});
