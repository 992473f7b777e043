import { t } from '../app/language';
import { Link } from '@tanstack/react-router';

export function NotThere() {
  return (
    <>
      <h1>{t('There is no such page')}</h1>
      <p>
        {t('It may have been removed, or be somebody else’s.')} <Link to="/">{t('Go to the beginning')}</Link>.
      </p>
    </>
  );
}
