import { type BeforeApplicationShutdown, Injectable, type OnApplicationBootstrap } from '@nestjs/common';
import { type EventWire } from './event-wire';

/** A line that keeps proxies from closing a quiet stream, and finds clients that have gone. */
const PING_MS = 15_000;
/** Pings go round: each turn takes one part of the streams, so that they are no wave. */
const PARTS = 30;

/** Pings every open stream in turn. */
@Injectable()
export class StreamPings implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly parts = Array.from({ length: PARTS }, () => new Set<EventWire>());
  private part = 0;
  private timer: NodeJS.Timeout;

  onApplicationBootstrap(): void {
    this.timer = setInterval(() => this.ping(), PING_MS / PARTS).unref();
  }

  beforeApplicationShutdown(): void {
    clearInterval(this.timer);
  }

  /** @returns where the stream is until it ends, to be deleted from there */
  begin(stream: EventWire): Set<EventWire> {
    const part = this.parts.reduce((smallest, other) => (other.size < smallest.size ? other : smallest));
    return part.add(stream);
  }

  private ping(): void {
    this.part = (this.part + 1) % PARTS;
    for (const stream of this.parts[this.part] as Set<EventWire>) stream.ping();
  }
}
