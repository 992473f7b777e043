import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';

const TICKS_A_SECOND = Number(execFileSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }));

/** Processor time that a process and its children have taken, in seconds: those that have ended too, once they were waited for. */
export function cpuSeconds(pid) {
  const all = new Map(
    readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name))
      .map((name) => [Number(name), stat(name)]),
  );
  const own = all.get(pid);
  if (!own) throw new Error(`Process ${pid} has ended.`);
  let ticks = own.ticks + own.ended;
  for (const process of all.values()) if (process !== undefined && process.parent === pid) ticks += process.ticks + process.ended;
  return ticks / TICKS_A_SECOND;
}

function stat(pid) {
  try {
    // The name in parentheses may hold anything; what follows it does not (proc(5)).
    const fields = readFileSync(`/proc/${pid}/stat`, 'latin1')
      .replace(/^.*\) /s, '')
      .split(' ')
      .map(Number);
    const [utime, stime, cutime, cstime] = fields.slice(11, 15);
    return { parent: fields[1], ticks: utime + stime, ended: cutime + cstime };
  } catch {
    return undefined;
  }
}
