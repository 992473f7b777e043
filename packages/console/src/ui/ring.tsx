import { t } from '../app/language';
/** How much of a limit is used, as a ring; the figures stand beside it. */
export function Ring({ used, limit }: { used: number; limit: number }) {
  const percent = limit === 0 ? 100 : Math.min(100, (used / limit) * 100);
  const tone = percent >= 95 ? 'bad' : '';
  return (
    <svg className={`ring ${tone}`} viewBox="0 0 40 40" role="img" aria-label={t('{percent} % of today is used', { percent: Math.floor(percent) })}>
      <circle cx="20" cy="20" r="17" className="ring-whole" />
      <circle cx="20" cy="20" r="17" className="ring-used" pathLength={100} strokeDasharray={`${percent} 100`} transform="rotate(-90 20 20)" />
      <text x="20" y="23" textAnchor="middle">
        {Math.floor(percent)} %
      </text>
    </svg>
  );
}
