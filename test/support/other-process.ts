import request, { type Response, type Test } from 'supertest';
import { type Http } from './service';
import { holdAnswer } from './wire/hold';

/** HTTP with a service of another process. Its answers are held to the document as they arrive here, since nobody can look at them as they leave. */
export function clientOf(url: string): Http {
  return request.agent(url).use((test: Test) => {
    test.on('response', ({ status, headers, text }: Response) => {
      const { pathname, search } = new URL(test.url);
      const fields = Object.fromEntries(Object.entries(headers as Record<string, string | string[]>).map(([name, value]) => [name, String(value)]));
      const body = test.method === 'HEAD' || (text as string | undefined) === undefined ? null : Buffer.from(text);
      holdAnswer({ method: test.method, target: `${pathname}${search}`, status, headers: fields, body });
    });
  });
}
