import { t } from '../app/language';
import { useState } from 'react';
import { changesBetween, Diff } from './json';

export interface Edit<T, V> {
  /** What the reader saw when they began, with the version by which their change is sent. */
  base: { version: V; value: T };
  value: T;
  setValue: (value: T) => void;
  /** Of the fields: another one has them begin anew. */
  form: number;
  /** Begins anew from what is there now, with the value given. */
  goOn: (value: T) => void;
  /** The change was taken. */
  saved: (version: V) => void;
}

/** A change under way of something that others may change meanwhile: at the version that was read, so that nobody overwrites what they have not seen. */
export function useEdit<T, V = string>(theirs: T, version: V): Edit<T, V> {
  const [base, setBase] = useState({ version, value: theirs });
  const [value, setValue] = useState(theirs);
  const [form, setForm] = useState(0);
  const goOn = (next: T) => {
    setBase({ version, value: theirs });
    setValue(next);
    setForm(form + 1);
  };
  return { base, value, setValue, form, goOn, saved: (now) => setBase({ version: now, value }) };
}

interface TwoVersionsProps<T> {
  edit: Pick<Edit<T, unknown>, 'base' | 'value'>;
  /** What somebody else made of it. */
  theirs: T;
  goOn: (value: T) => void;
}

/** Somebody else was first: both changes side by side, and the reader decides with which they go on. Nothing typed is lost. */
export function TwoVersions<T>({ edit: { base, value }, theirs, goOn }: TwoVersionsProps<T>) {
  return (
    <section className="refusal" aria-label={t('Two versions')}>
      <p>{t('Somebody changed it since you read it.')}</p>
      <div className="cards">
        <div>
          <h2>{t('Theirs')}</h2>
          <Diff changes={changesBetween(base.value, theirs)} />
        </div>
        <div>
          <h2>{t('Yours')}</h2>
          <Diff changes={changesBetween(base.value, value)} />
        </div>
      </div>
      <div className="row">
        <button type="button" onClick={() => goOn(value)}>
          {t('Go on with yours over theirs')}
        </button>
        <button type="button" onClick={() => goOn(theirs)}>
          {t('Go on with theirs')}
        </button>
      </div>
    </section>
  );
}
