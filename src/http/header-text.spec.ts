import Fastify from 'fastify';
import { headerText } from './header-text';
import { FullDisk } from '../common/full-disk';
import { ProblemFilter } from './problem.filter';
import { RouteTable } from './route-table';

describe('a text in a header', () => {
  it.each(['free', 'a b', '100%', ''])('that is visible ASCII is left as it is: %j', (text) => expect(headerText(text)).toBe(text));

  it.each(['日本', 'ümlaut/x', '\u0001', '\u202e', 'a\r\nSet-Cookie: b', '\ud800', '5 %\u0001'])('that is not is encoded: %j', (text) => {
    expect(headerText(text)).toMatch(/^[\x21-\x7e]+$/);
    expect(decodeURIComponent(headerText(text))).toBe(text.toWellFormed());
  });

  it('that cannot be written does not keep the problem from being answered', async () => {
    const filter = new ProblemFilter(new RouteTable(), new FullDisk());
    const app = Fastify({ logger: false });
    app.get('/', (request, reply) => {
      void reply.header('x-stored', '日本').header('x-sane', 'yes');
      filter.render(new Error('not this time'), request, reply);
    });
    const answer = await app.inject('/');
    expect([answer.statusCode, answer.headers['x-stored'], answer.headers['x-sane']]).toEqual([500, undefined, 'yes']);
    await app.close();
  });
});
