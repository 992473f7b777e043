import { lineOf } from '../../apply/service-document';
import { type FieldError } from '../../http/problem';

/** What is wrong with a file, one line for each place: `file:line: place: what`. */
export function refusalsIn(file: string, content: string, errors: readonly FieldError[]): string {
  return errors
    .map(({ pointer, detail }) => {
      const line = lineOf(content, pointer);
      const place = pointer.slice(2).replaceAll('/', '.').replaceAll('~1', '/').replaceAll('~0', '~');
      return `quotidian: ${file === '-' ? 'standard input' : file}${line === null ? '' : `:${line}`}: ${place === '' ? '' : `${place}: `}${detail}\n`;
    })
    .join('');
}
