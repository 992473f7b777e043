import { LOCALE, t } from '../app/language';
/** How much of a limit is used, as a bar and in figures. */
export function Bar({ used, limit, label }: { used: number; limit: number | null; label: string }) {
  if (limit === null)
    return (
      <span className="figure">
        {used.toLocaleString(LOCALE)} {t('used, without a limit')}
      </span>
    );
  return (
    <span className="bar">
      <meter min={0} max={Math.max(limit, 1)} low={limit * 0.8} high={limit * 0.95} optimum={0} value={Math.min(used, limit)} aria-label={label} />
      <span className="figure">{t('{used} of {limit}', { used: used.toLocaleString(LOCALE), limit: limit.toLocaleString(LOCALE) })}</span>
    </span>
  );
}
