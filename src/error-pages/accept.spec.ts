import { wantsHtml } from './accept';

describe('an Accept field', () => {
  it.each([
    ['text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8', true],
    ['text/html;q=0.5, text/markdown;q=0.4', true],
    ['TEXT/HTML', true],
    ['text/markdown, text/html;q=0.9', false],
    ['text/html;q=0', false],
    ['text/html;q=nonsense', false],
    ['*/*', false],
    ['application/json', false],
    ['', false],
    [undefined, false],
  ])('%j asks for HTML: %s', (accept, asked) => {
    expect(wantsHtml(accept)).toBe(asked);
  });
});
