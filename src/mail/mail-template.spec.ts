import { asLine, defineMail, escapeHtml, fillIn, htmlOf, unknownParams } from './mail-template';

const MAIL = { name: 'test', params: ['name', 'link'], subject: 'Hello', text: 'Hello {{name}}' };

describe('a mail’s texts', () => {
  it('have the values in place, which are not looked through for further names', () => {
    expect(fillIn('{{ name }} and {{link}}', { name: '{{link}}', link: 'x' }, String)).toBe('{{link}} and x');
  });

  it('escape what would be HTML', () => {
    expect(fillIn('<a href="{{link}}">', { link: `"><script>'&` }, escapeHtml)).toBe('<a href="&#34;&#62;&#60;script&#62;&#39;&#38;">');
  });

  it('may name what the mail has and nothing else', () => {
    expect(unknownParams(MAIL, '{{name}} {{productName}} {{linkBase}} {{nobody}} {{ __proto__ }}')).toEqual(['nobody', '__proto__']);
    expect(() => defineMail({ ...MAIL, text: '{{other}}' })).toThrow('names other');
  });

  it('are HTML by their paragraphs, with a link where one stands alone', () => {
    const html = htmlOf('Hello {{name}},\nif 1 < 2:\n\n{{link}}\n');
    expect(html).toContain('<p>Hello {{name}},<br>\nif 1 &#60; 2:</p>\n<p><a href="{{link}}">{{link}}</a></p>');
  });
});

describe('a header field', () => {
  it('is one line, whatever stands in it', () => {
    expect(asLine('a\r\nBcc: b@example.com\u2028\u0000c')).toBe('a Bcc: b@example.com c');
    expect(asLine('x'.repeat(1_000))).toHaveLength(200);
  });
});
