import { styleText } from 'node:util';
import { type JsonChange } from '../common/json-diff';

const SHOWN_CHARS = 200;
const STYLES = { create: ['+', 'green'], update: ['~', 'yellow'], delete: ['-', 'red'] } as const;

/** One thing that changes, with what of it. */
export interface ShownChange {
  title: string;
  action: keyof typeof STYLES;
  changes: JsonChange[];
  overridesOutOfBounds?: number;
}

/** The lines of a plan: a sign and a title for each thing, and each place with its values before and after. */
export function linesOf({ title, action, changes, overridesOutOfBounds = 0 }: ShownChange, isColoured = false): string[] {
  const [sign, colour] = STYLES[action];
  const head = `${sign} ${title}`;
  return [
    isColoured ? styleText(colour, head) : head,
    ...changes.map(({ pointer, before, after }) => `    ${pointer.slice(2)}: ${shown(before)} -> ${shown(after)}`),
    ...(overridesOutOfBounds > 0 ? [`    ! ${overridesOutOfBounds} users' own values do not count as they are after this`] : []),
  ];
}

function shown(value: unknown): string {
  const whole = value === undefined ? '(none)' : value === '(secret)' ? value : JSON.stringify(value);
  return whole.length > SHOWN_CHARS ? `${whole.slice(0, SHOWN_CHARS)}…` : whole;
}
