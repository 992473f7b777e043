import { type FastifyRequest } from 'fastify';
import { UnsupportedMediaType } from './http.errors';

export const JSON_TYPE = 'application/json';
/** RFC 7396: what a PATCH here is, whichever of the two it is called. */
export const MERGE_PATCH_TYPE = 'application/merge-patch+json';

/** A merge patch is no body of anything but PATCH. @throws UnsupportedMediaType */
export function assertMediaType({ method, headers }: FastifyRequest): void {
  if (method === 'PATCH' || !headers['content-type']?.trim().toLowerCase().startsWith(MERGE_PATCH_TYPE)) return;
  throw new UnsupportedMediaType();
}
