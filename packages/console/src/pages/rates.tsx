import { t } from '../app/language';
import { type Look } from './metrics';

const WIDTH = 300;
const HEIGHT = 60;
const COUNTERS = ['quotidian_admission_admitted_total', 'quotidian_admission_refused_total'] as const;

/** Admissions and refusals a second between each two looks, one above the other; a counter that went back began anew. */
export function Rates({ looks }: { looks: readonly Look[] }) {
  const rates = looks.slice(1).map((look, i) => {
    const before = looks[i] as Look;
    const seconds = Math.max((look.at - before.at) / 1_000, 0.001);
    return COUNTERS.map((name) => Math.max(0, look.sum(name) - before.sum(name)) / seconds);
  });
  const highest = Math.max(1, ...rates.map(([admitted = 0, refused = 0]) => admitted + refused));
  const step = WIDTH / Math.max(rates.length, 24);
  const [admitted = 0, refused = 0] = rates.at(-1) ?? [];
  return (
    <>
      <svg
        className="rates"
        viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
        preserveAspectRatio="none"
        role="img"
        aria-label="Admissions and refusals a second; the figures stand below"
      >
        {rates.map(([yes = 0, no = 0], i) => {
          const [a, b] = [(yes / highest) * HEIGHT, (no / highest) * HEIGHT];
          return (
            <g key={looks[i + 1]?.at}>
              <rect className="yes" x={i * step} y={HEIGHT - a} width={step * 0.8} height={a} />
              <rect className="no" x={i * step} y={HEIGHT - a - b} width={step * 0.8} height={b} />
            </g>
          );
        })}
        <line x1="0" x2={WIDTH} y1={HEIGHT} y2={HEIGHT} />
      </svg>
      <p className="legend">
        <span className="yes">
          {t('admitted')} {admitted.toFixed(1)}
        </span>{' '}
        <span className="no">
          {t('refused')} {refused.toFixed(1)}
        </span>
      </p>
    </>
  );
}
