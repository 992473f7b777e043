import { type ExecutionContext } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import { EventEmitter } from 'node:events';
import { setImmediate as breathe } from 'node:timers/promises';
import { BoundedOtherwise } from '../common/access.decorators';
import { CallSlotsGuard } from './call-slots.guard';

class Routes {
  plain(): void {}

  @BoundedOtherwise()
  metered(): void {}
}

describe('the guard of calls under way', () => {
  let guard: CallSlotsGuard;
  beforeEach(() => {
    guard = new CallSlotsGuard(new Reflector());
  });

  /** A call of the user's, or of a stranger's from the address; `begins` once the guard lets it through. */
  const call = (caller: number | string, handler: keyof Routes = 'plain') => {
    const socket = Object.assign(new EventEmitter(), { destroyed: false });
    const raw = Object.assign(new EventEmitter(), { writableEnded: false });
    const request = { raw: { socket }, ip: '192.0.2.1', ...(typeof caller === 'number' ? { principal: { userId: caller } } : { ip: caller }) };
    const reply = { raw, send: () => reply, hijack: () => reply };
    const http = { getRequest: () => request, getResponse: () => reply };
    const context = { switchToHttp: () => http, getHandler: () => Routes.prototype[handler], getClass: () => Routes } as unknown as ExecutionContext;
    const state = { reply, socket, ending: 'waits' };
    const activate = async () => guard.canActivate(context);
    void activate().then(
      () => (state.ending = 'begins'),
      ({ code }: { code: string }) => (state.ending = code),
    );
    return state;
  };
  const endings = async (calls: { ending: string }[]) => {
    for (let i = 0; i < 4; i++) await breathe();
    return calls.map(({ ending }) => ending);
  };

  it('lets three of a user begin, and the next when one is answered or streams', async () => {
    const calls = Array.from({ length: 6 }, () => call(1));
    expect(await endings(calls)).toEqual(['begins', 'begins', 'begins', 'waits', 'waits', 'waits']);
    calls[1]?.reply.send();
    calls[2]?.reply.hijack();
    expect(await endings(calls)).toEqual(['begins', 'begins', 'begins', 'begins', 'begins', 'waits']);
  });

  it('keeps the place of a call whose client went away until it is answered, and none for one that waits', async () => {
    const calls = Array.from({ length: 5 }, () => call(1));
    await endings(calls);
    for (const { socket } of calls.slice(0, 4)) socket.emit('close');
    expect(await endings(calls)).toEqual(['begins', 'begins', 'begins', 'client-gone', 'waits']);
    calls[0]?.reply.send();
    expect((await endings(calls))[4]).toBe('begins');
  });

  it('shows users apart, and strangers by their network', async () => {
    const calls = [1, 1, 1, 1, 2, '192.0.2.1', '2001:db8::1', '2001:db8::2', '2001:db8::3', '2001:db8::4'].map((caller) => call(caller));
    expect(await endings(calls)).toEqual([...'bbb', 'waits', ...'bbbbb', 'waits'].map((ending) => (ending === 'b' ? 'begins' : ending)));
  });

  it('refuses a user of whom too many wait, and bounds no metered route', async () => {
    const calls = Array.from({ length: 520 }, () => call(1));
    expect((await endings(calls)).filter((ending) => ending === 'too-many-calls')).toHaveLength(5);
    expect(await endings([call(1, 'metered'), call(2)])).toEqual(['begins', 'begins']);
  });
});
