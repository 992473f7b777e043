import { type FastifyRequest } from 'fastify';
import { PublicPath, prefixOf } from './public-path';

const from = (prefix: string | undefined, remoteAddress = '10.0.0.1') =>
  ({ headers: prefix === undefined ? {} : { 'x-forwarded-prefix': prefix }, socket: { remoteAddress } }) as unknown as FastifyRequest;

describe('a path prefix', () => {
  it.each([
    ['', ''],
    ['/', ''],
    ['/quotas', '/quotas'],
    ['/quotas/', '/quotas'],
    ['/a/b_c/d.e~f-g', '/a/b_c/d.e~f-g'],
  ])('is %j as %j', (text, prefix) => {
    expect(prefixOf(text)).toBe(prefix);
  });

  it.each([
    '//evil.example',
    '/a//b',
    '/../v1',
    '/a/..',
    '/.hidden',
    'quotas',
    'https://evil.example',
    '/a b',
    '/a"onload="x',
    '/a;Domain=x',
    '/a\r\nX: y',
    '/a,/b',
    '/%2e',
    `/${'a'.repeat(200)}`,
  ])('is not %j', (text) => {
    expect(prefixOf(text)).toBeNull();
  });
});

describe('the path that browsers see', () => {
  const trusted = new PublicPath({ basePath: '/base', trusts: (address) => address === '10.0.0.1' });

  it('is what a trusted proxy reports, and nobody else', () => {
    expect(trusted.of(from('/seen/'))).toBe('/seen');
    expect(trusted.of(from('/'))).toBe('');
    expect(trusted.of(from('/seen', '10.0.0.2'))).toBe('/base');
    expect(trusted.of(from('//evil.example'))).toBe('/base');
    expect(trusted.of(from(undefined))).toBe('/base');
    expect(new PublicPath({ basePath: '', trusts: false }).of(from('/seen'))).toBe('');
  });

  it.each([
    ['/base', '/'],
    ['/base?a=1', '/?a=1'],
    ['/base/v1/users', '/v1/users'],
    ['/basement', '/basement'],
    ['/v1/users', '/v1/users'],
  ])('is left out of %s, as %s', (url, routed) => {
    expect(trusted.strip(url)).toBe(routed);
  });
});
