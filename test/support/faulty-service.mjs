// The built service with faults planted in the methods of its services, made to fail by its parent. See test/http/last-net.e2e-spec.ts.
import { readdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';

const require = createRequire(import.meta.url);
const dist = join(import.meta.dirname, '../../dist/src');
const { createApp } = require(join(dist, 'app.js'));
const { spreadLastNet } = require(join(dist, 'http/last-net.js'));
const { RequestScope } = require(join(dist, 'http/request-scope.js'));
// As after a first error: from then on it is known whose callback is running.
RequestScope.blame();

/** The classes that this house calls services. */
const ours = new Set(
  readdirSync(dist, { recursive: true, encoding: 'utf8' })
    .filter((file) => /\.service\.js$/.test(file))
    .flatMap((file) => Object.values(require(join(dist, file)))),
);

const app = await createApp();
spreadLastNet(app);

/** { id, method, kind }: which method is to fail, how, and for which request; without a method, which are called is noted. */
/** @type {{ id: string, method?: string, kind: string } | null} */
let armed = null;
let called = new Map();
let fired = 0;

function fail(kind) {
  fired++;
  const fault = Object.assign(new Error('a planted fault'), { detail: 'canary-detail' });
  if (kind === 'unsound') Object.assign(fault, { code: 'ERR_INTERNAL_ASSERTION' });
  if (kind === 'throw') throw fault;
  if (kind === 'reject') return Promise.reject(fault);
  process.nextTick(() => {
    throw fault;
  });
  return undefined;
}

for (const { providers } of app.container.getModules().values()) {
  for (const { instance } of providers.values()) {
    if (!instance || !ours.has(instance.constructor) || Object.hasOwn(instance, 'planted')) continue;
    Object.defineProperty(instance, 'planted', { value: true });
    const { prototype, name } = instance.constructor;
    for (const method of Object.getOwnPropertyNames(prototype)) {
      const original = Object.getOwnPropertyDescriptor(prototype, method)?.value;
      if (typeof original !== 'function' || method === 'constructor') continue;
      const full = `${name}.${method}`;
      instance[method] = function (...args) {
        const order = armed;
        const mine = order !== null && RequestScope.get()?.id === order.id;
        if (mine && order.method === full && fired === 0) {
          const failed = fail(order.kind);
          if (failed !== undefined) return failed;
        }
        const result = original.apply(this, args);
        if (mine) called.set(full, result instanceof Promise);
        return result;
      };
    }
  }
}

await app.listen(0, '127.0.0.1');
process.on('message', (/** @type {any} */ order) => {
  const before = { fired, called: [...called] };
  armed = order;
  fired = 0;
  called = new Map();
  process.send?.(before);
});
process.send?.({ port: app.getHttpServer().address().port });
process.on('disconnect', () => process.exit(0));
