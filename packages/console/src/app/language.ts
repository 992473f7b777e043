/** Kept by the browser, once chosen; unless it was, the browser's own language counts. */
const KEPT_AS = 'quotidian-language';

export const LANGUAGES = { en: 'English', de: 'Deutsch' } as const;
export type Language = keyof typeof LANGUAGES;

const isLanguage = (name: string | null): name is Language => name !== null && name in LANGUAGES;

const kept = localStorage.getItem(KEPT_AS);
const ofBrowser = navigator.language.slice(0, 2).toLowerCase();

/** What the pages are written in. */
export const LANGUAGE: Language = isLanguage(kept) ? kept : isLanguage(ofBrowser) ? ofBrowser : 'en';
/** How numbers and times are written: as the browser has it, unless another language was chosen. */
export const LOCALE: string | undefined = LANGUAGE === ofBrowser ? undefined : LANGUAGE;

let catalogue: Partial<Record<string, string>> = {};

/** Loads the catalogue of the language; to be waited for before anything is shown. English needs none: it is the key of each message. */
export async function loadLanguage(): Promise<void> {
  document.documentElement.lang = LANGUAGE;
  if (LANGUAGE === 'de') catalogue = (await import('../messages/de')).de;
}

/** The message in the language of the pages, `{name}` replaced by the value of that name. What the catalogue does not know stays as it is. */
export function t(message: string, values: Record<string, string | number> = {}): string {
  return (catalogue[message] ?? message).replace(/\{(\w+)\}/g, (whole, name: string) => String(values[name] ?? whole));
}

/** Shows the pages in another language, from their beginning. */
export function chooseLanguage(language: Language): void {
  localStorage.setItem(KEPT_AS, language);
  location.reload();
}
