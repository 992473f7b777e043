import { t } from '../app/language';
import { Link } from '@tanstack/react-router';

/** By position, not by number: the page after this one is found as fast among a million. */
export function Pager({ cursor, next }: { cursor: string | undefined; next: string | null | undefined }) {
  return (
    <nav className="pager" aria-label={t('Pages')}>
      {cursor !== undefined && (
        <Link to="." search={(now: object) => ({ ...now, cursor: undefined })}>
          {t('First page')}
        </Link>
      )}
      {next && (
        <Link to="." search={(now: object) => ({ ...now, cursor: next })}>
          {t('Next page')}
        </Link>
      )}
    </nav>
  );
}
