import { createMeter, type MeterableCall, type MeterableResponse, type MeterBase, type MeterPrice } from './meter';

/** What is charged, and how: the same for all calls of the middleware. */
export interface MeterOptions<Request extends MeterableCall = MeterableCall> extends MeterBase<Request>, MeterPrice<Request> {}

interface RawResponse extends MeterableResponse {
  setHeader(name: string, value: string): unknown;
  end(text: string): unknown;
}

/** Middleware of Express, and of anything that has its form: charges the caller before the handler, and answers who has nothing left. */
export function meterExpress<Request extends MeterableCall = MeterableCall>(options: MeterOptions<Request>) {
  const meter = createMeter(options);
  // Of any request: what Express calls it with is known to its types, and not to ours.
  return (request: MeterableCall, response: RawResponse, next: (error?: unknown) => void): void => {
    meter(request as Request, response, options).then((admission) => {
      for (const [name, value] of Object.entries(admission.headers)) response.setHeader(name, value);
      if (!admission.allowed) {
        response.statusCode = admission.status;
        response.setHeader('content-type', 'application/problem+json');
        response.end(JSON.stringify(admission.problem));
        return;
      }
      next();
    }, next);
  };
}

interface Reply {
  raw: RawResponse;
  code(status: number): unknown;
  header(name: string, value: string): unknown;
  send(body: unknown): unknown;
}

/** The same as a hook of Fastify: `{ preHandler: meterFastify(…) }` of a route, or `app.addHook('preHandler', meterFastify(…))`. */
export function meterFastify<Request extends MeterableCall = MeterableCall>(options: MeterOptions<Request>) {
  const meter = createMeter(options);
  return async (request: MeterableCall, reply: Reply): Promise<unknown> => {
    const admission = await meter(request as Request, reply.raw, options);
    for (const [name, value] of Object.entries(admission.headers)) reply.header(name, value);
    if (admission.allowed) return undefined;
    reply.code(admission.status);
    reply.header('content-type', 'application/problem+json');
    reply.send(JSON.stringify(admission.problem));
    // Fastify goes no further with a hook that answered.
    return reply;
  };
}
