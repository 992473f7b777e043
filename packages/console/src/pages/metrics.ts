import { useQuery } from '@tanstack/react-query';
import { BASE } from '../api/session';

export interface Sample {
  name: string;
  labels: Partial<Record<string, string>>;
  value: number;
}

const LINE = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)/;
const EVERY_MS = 5_000;
/** Looks that the picture of the last minutes is made of. */
const KEPT = 61;

/** The samples in Prometheus's text format. */
function samplesIn(text: string): Sample[] {
  return text.split('\n').flatMap((line) => {
    const [, name, labels = '', value = ''] = LINE.exec(line) ?? [];
    if (name === undefined) return [];
    return [
      {
        name,
        labels: Object.fromEntries([...labels.matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)].map(([, key = '', text]): [string, string | undefined] => [key, text])),
        value: Number(value),
      },
    ];
  });
}

export interface Look {
  at: number;
  samples: readonly Sample[];
  sum: (name: string) => number;
}

let looks: readonly Look[] = [];

async function look(): Promise<readonly Look[]> {
  const answer = await fetch(`${BASE}/metrics`);
  if (!answer.ok) throw new Error(`metrics: ${answer.status}`);
  const samples = samplesIn(await answer.text());
  const sum = (name: string) => samples.filter((one) => one.name === name).reduce((total, { value }) => total + value, 0);
  looks = [...looks, { at: Date.now(), samples, sum }].slice(-KEPT);
  return looks;
}

/** The service's figures now and at the looks before, for as long as the console is open. */
export function useLooks() {
  return useQuery({ queryKey: ['metrics'], queryFn: look, refetchInterval: EVERY_MS });
}
