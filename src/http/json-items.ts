import { type Problem } from './problem';

/** In a route's config: the members of the body's list `items` are checked each for itself, and one does not spoil the call. */
export const ITEMS_APART = 'itemsApart';

/** The bound of every such list; a longer one is refused as a whole. */
export const MAX_ITEMS = 100;

/** Stands in the list for an item that cannot be stored as it was sent. Its text is kept, to distinguish a repeated call from another one. */
export class FlawedItem {
  readonly #problem: Problem;

  constructor(
    readonly text: string,
    problem: Problem,
  ) {
    this.#problem = problem;
  }

  get problem(): Problem {
    return this.#problem;
  }
}

interface Span {
  start: number;
  end: number;
}

/** The list `items` in a JSON text that is an object, taken apart. */
export interface ItemTexts {
  items: string[];
  /** The text with the list empty. */
  rest: string;
}

/** Null when there is no such list, an empty one, or one beyond the bound. One pass over text that JSON.parse takes. */
export function itemTexts(text: string): ItemTexts | null {
  const spans = itemSpans(text);
  const [first, last] = [spans?.at(0), spans?.at(-1)];
  if (!spans || !first || !last || spans.length > MAX_ITEMS) return null;
  return { items: spans.map(({ start, end }) => text.slice(start, end)), rest: text.slice(0, first.start) + text.slice(last.end) };
}

/** Of names that stand twice the last one counts, as it does for JSON.parse. */
function itemSpans(text: string): Span[] | null {
  let spans: Span[] | null = null;
  let depth = 0;
  let name = '';
  let expectsName = false;
  let start = -1;
  for (let i = 0; i < text.length; i++) {
    const c = text[i];
    if (c === '"') {
      const end = endOfString(text, i);
      if (depth === 1 && expectsName) name = text.slice(i, end + 1);
      i = end;
    } else if (c === '{' || c === '[') {
      depth++;
      if (depth === 1) {
        if (c === '[') return null;
        expectsName = true;
      } else if (depth === 2 && isItems(name)) {
        spans = c === '[' ? [] : null;
        start = c === '[' ? i + 1 : -1;
      }
    } else if (c === '}' || c === ']') {
      if (depth === 2 && start >= 0) {
        if (text.slice(start, i).trim() !== '') spans?.push({ start, end: i });
        start = -1;
      }
      depth--;
    } else if (c === ',') {
      if (depth === 1) expectsName = true;
      else if (depth === 2 && start >= 0) {
        spans?.push({ start, end: i });
        start = i + 1;
      }
    } else if (c === ':' && depth === 1) {
      expectsName = false;
      if (isItems(name)) spans = null;
    }
  }
  return spans;
}

/** The place of the closing quote. */
function endOfString(text: string, from: number): number {
  let i = from + 1;
  while (text[i] !== '"') i += text[i] === '\\' ? 2 : 1;
  return i;
}

/** With its quotes; any of its letters may be written as an escape. */
function isItems(name: string): boolean {
  return name === '"items"' || (name.length <= 32 && name.includes('\\') && JSON.parse(name) === 'items');
}
