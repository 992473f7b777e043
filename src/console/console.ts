import fastifyStatic from '@fastify/static';
import { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import { wantsHtml } from '../error-pages/accept';
import { NotFoundProblem } from '../http/problem';
import { type PublicPath } from '../http/public-path';
import { ConsoleFiles } from './console-files';
import { NOT_BUILT } from './not-built';

export const CONSOLE_PATH = '/console/';
/** What the pages may do: load what comes with them, and call this service. */
export const CONSOLE_POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

/** Their names change with what is in them. */
const HASHED = 'assets/';
const HASHED_AGE = { maxAge: '365d', immutable: true };
const OTHERS_AGE = { maxAge: '1h', immutable: false };

export interface ConsoleOptions {
  /** Where the built files are, if not where the build puts them. */
  folder: string | undefined;
  path: PublicPath;
}

/**
 * Serves the console below /console/, and leads browsers from / there. Always true: only files of the build are sent, nothing is written, and nothing of it
 * depends on who asks.
 */
export function setUpConsole(fastify: FastifyInstance, { folder, path }: ConsoleOptions): void {
  const files = ConsoleFiles.in(folder);
  if (files.folder !== null) void fastify.register(fastifyStatic, { root: files.folder, serve: false, preCompressed: true });
  const lead = (request: FastifyRequest, reply: FastifyReply, status: number) => reply.redirect(`${path.of(request)}${CONSOLE_PATH}`, status);
  fastify.get('/', (request, reply) => {
    void reply.header('vary', 'Accept');
    if (!wantsHtml(request.headers.accept)) throw new NotFoundProblem('resource');
    return lead(request, reply, 302);
  });
  fastify.get(CONSOLE_PATH.slice(0, -1), (request, reply) => lead(request, reply, 308));
  fastify.get(`${CONSOLE_PATH}*`, (request, reply) => {
    const { '*': name = '' } = request.params as Record<string, string>;
    if (files.names.has(name)) return reply.sendFile(name, name.startsWith(HASHED) ? HASHED_AGE : OTHERS_AGE);
    // A file of another release: the page loads itself anew, once.
    if (name.startsWith(HASHED)) throw new NotFoundProblem('file');
    const page = files.page(path.of(request));
    void reply.type('text/html; charset=utf-8');
    if (page === null) return reply.status(503).send(NOT_BUILT);
    return reply.headers({ 'cache-control': 'no-cache', etag: page.etag }).send(page.html);
  });
}
