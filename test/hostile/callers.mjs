import { BODY_CALLERS } from './callers/bodies.mjs';
import { FLOODS } from './callers/floods.mjs';
import { fuzzCaller } from './callers/fuzz.mjs';
import { OPERATORS } from './callers/operators.mjs';
import { SOCKET_CALLERS } from './callers/sockets.mjs';

/** Every hostile caller by its name: given the stage and a signal, it calls until the signal and shows how it was answered. */
export const callers = (seed) => ({ ...BODY_CALLERS, ...SOCKET_CALLERS, ...FLOODS, ...OPERATORS, ...fuzzCaller(seed) });
