import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import { type FastifyRequest } from 'fastify';
import { createHash } from 'node:crypto';
import { isIPv4 } from 'node:net';
import { addressOfRequest } from './network-address';

const MAX_AGENT_CHARS = 300;

/** What a caller calls from, as far as it shows. */
export interface ClientDevice {
  /** Null: nobody reported one. */
  address: string | null;
  /** As much of it as is kept. */
  userAgent: string | null;
}

export const UNKNOWN_DEVICE: ClientDevice = { address: null, userAgent: null };

/** The device of a request: its address as the farthest trusted proxy reports it, and its `User-Agent`, in printable characters and cut. */
export const CurrentDevice = createParamDecorator((_: unknown, context: ExecutionContext): ClientDevice => {
  const request = context.switchToHttp().getRequest<FastifyRequest>();
  const agent = request.headers['user-agent']?.replace(/[^\x20-\x7e]+/g, '?').slice(0, MAX_AGENT_CHARS);
  return { address: addressOfRequest(request), userAgent: agent ? agent : null };
});

/**
 * By what a device is known again: its program without versions, and the network that its address is about in (IPv4 /16, IPv6 /32), so that
 * neither an update nor another lease of the same provider makes it a new one.
 */
export function deviceHash({ address, userAgent }: ClientDevice): Buffer {
  const program = (userAgent ?? '').replace(/\d[\d._]*/g, '');
  return createHash('sha256')
    .update(`${program}\n${regionOf(address)}`)
    .digest();
}

function regionOf(address: string | null): string {
  if (address === null) return '';
  return isIPv4(address) ? address.split('.').slice(0, 2).join('.') : address.split(':').slice(0, 2).join(':');
}
