// A hostile caller in a process of its own, behind the service, its database and the neighbour in the queue for the processor: on a machine that
// they share, what it costs to make the calls is not what is tried. It calls as fast as what is left of the machine lets it.
import { setPriority } from 'node:os';
import { PostgresServer } from '../../bench/support/postgres.mjs';
import { callers } from './callers.mjs';

const { name, seed, stage, priority } = JSON.parse(process.argv[2]);
if (priority > 0) setPriority(priority);
const server = { url: () => stage.url, query: PostgresServer.prototype.query };
const stop = new AbortController();
process.once('message', () => stop.abort());
process.once('disconnect', () => process.exit());
const notify = (message, then) => process.send?.(message, then);
notify('begun');
const result = await callers(seed)
  [name]({ ...stage, sql: (text, values) => server.query(text, values) }, stop.signal)
  .catch((error) => ({ story: '', broken: [`the attack failed: ${error.stack}`] }));
notify(typeof result === 'string' ? { story: result, broken: [] } : result, () => process.exit());
