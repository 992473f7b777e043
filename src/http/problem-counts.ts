import { type Problem } from './problem';

const counts = new Map<string, number>();

/** How many problems this process has answered by now, by their code: as many entries as there are codes. */
export function problemsAnswered(): ReadonlyMap<string, number> {
  return counts;
}

export function countProblem({ code }: Problem): void {
  counts.set(code, (counts.get(code) ?? 0) + 1);
}
