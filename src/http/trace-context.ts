import { randomBytes } from 'node:crypto';
import { type IncomingHttpHeaders } from 'node:http';

/** `version-traceid-parentid-flags`; later versions may go on after another dash. */
const TRACEPARENT = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}(-.*)?$/;

/** The trace that a request is part of, 32 hexadecimal digits: the caller's, if its `traceparent` is sane, else a new one (W3C Trace Context, section 3.2). */
export function traceIdOf({ traceparent }: IncomingHttpHeaders): string {
  const [, version, traceId, parentId, rest] = (typeof traceparent === 'string' && TRACEPARENT.exec(traceparent)) || [];
  const sane =
    traceId !== undefined && version !== 'ff' && !/^0+$/.test(traceId) && !/^0+$/.test(parentId as string) && (version !== '00' || rest === undefined);
  return sane ? traceId : randomBytes(16).toString('hex');
}
