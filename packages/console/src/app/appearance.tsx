import { chooseLanguage, LANGUAGE, type Language, LANGUAGES, t } from './language';
import { useState } from 'react';
import { Choice } from '../ui/field';

/** Kept by the browser, once chosen: how the pages look is all that is. */
const KEPT_AS = { theme: 'quotidian-theme', density: 'quotidian-density' } as const;
type Part = keyof typeof KEPT_AS;
const PARTS: Record<Part, readonly string[]> = { theme: ['light', 'dark'], density: ['compact'] };

function kept(part: Part): string {
  const value = localStorage.getItem(KEPT_AS[part]) ?? '';
  return PARTS[part].includes(value) ? value : '';
}

function show(part: Part, value: string): void {
  if (value === '') delete document.documentElement.dataset[part];
  else document.documentElement.dataset[part] = value;
}

/** Shows the pages as was chosen before, from their first moment on. */
export function applyAppearance(): void {
  show('theme', kept('theme'));
  show('density', kept('density'));
}

function choose(part: Part, value: string): void {
  if (value === '') localStorage.removeItem(KEPT_AS[part]);
  else localStorage.setItem(KEPT_AS[part], value);
  show(part, value);
}

/** Light or dark, roomy or compact; unless chosen, as the system has it. */
export function Appearance() {
  const [theme, setTheme] = useState(() => kept('theme'));
  const [density, setDensity] = useState(() => kept('density'));
  return (
    <details className="menu">
      <summary>{t('Appearance')}</summary>
      <div className="stack">
        <Choice
          label="Colours"
          value={theme}
          onChange={({ target }) => {
            choose('theme', target.value);
            setTheme(target.value);
          }}
        >
          <option value="">{t('as the system')}</option>
          <option value="light">{t('light')}</option>
          <option value="dark">{t('dark')}</option>
        </Choice>
        <Choice
          label="Rows"
          value={density}
          onChange={({ target }) => {
            choose('density', target.value);
            setDensity(target.value);
          }}
        >
          <option value="">{t('roomy')}</option>
          <option value="compact">{t('compact')}</option>
        </Choice>
        <Choice label="Language" value={LANGUAGE} onChange={({ target }) => chooseLanguage(target.value as Language)}>
          {Object.entries(LANGUAGES).map(([code, name]) => (
            <option key={code} value={code} lang={code}>
              {name}
            </option>
          ))}
        </Choice>
      </div>
    </details>
  );
}
