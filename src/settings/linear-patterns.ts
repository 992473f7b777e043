import { RE2JS } from 're2js';

/** What Ajv asks of an engine for regular expressions; `toString` distinguishes one pattern from another in what it generates. */
interface Pattern {
  test(text: string): boolean;
  toString(): string;
}

/**
 * The engine for `pattern` and `patternProperties` in schemas: RE2's, in time linear in the text whatever the pattern. With
 * the language's own, `^(a+)+$` and forty letters of a user's value stop the process for hours. What cannot be matched so
 * (looking ahead or behind, back references) is refused when the schema is written, and so is what is no pattern of
 * JSON Schema: other programs are to understand the schema too.
 */
export function linearPattern(pattern: string, flags: string): Pattern {
  const standard = new RegExp(pattern, flags);
  const compiled = RE2JS.compile(RE2JS.translateRegExp(pattern));
  return { test: (text) => compiled.test(text), toString: () => standard.toString() };
}

/** Only for validators that are written to a file, which ours are not. */
linearPattern.code = 'linearPattern';
