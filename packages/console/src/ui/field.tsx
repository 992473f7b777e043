import { t } from '../app/language';
import { type InputHTMLAttributes, type ReactNode, type SelectHTMLAttributes, type TextareaHTMLAttributes, useId } from 'react';
import { type Schemas } from '../api/types';

interface Labelled {
  label: string;
  hint?: string;
  /** What the service refused of it. */
  error?: string;
}

function Frame({ id, label, hint, error, children }: Labelled & { id: string; children: ReactNode }) {
  return (
    <div className="field">
      <label htmlFor={id}>{t(label)}</label>
      {children}
      {hint && (
        <small id={`${id}-hint`} className="muted">
          {t(hint)}
        </small>
      )}
      {error && (
        <small id={`${id}-error`} className="bad">
          {error}
        </small>
      )}
    </div>
  );
}

const described = (id: string, { hint, error }: Labelled) => ({
  'aria-describedby': [hint && `${id}-hint`, error && `${id}-error`].filter(Boolean).join(' ') || undefined,
  'aria-invalid': error ? true : undefined,
});

export function Field({ label, hint, error, ...input }: Labelled & InputHTMLAttributes<HTMLInputElement>) {
  const id = useId();
  return (
    <Frame {...{ id, label, hint, error }}>
      <input id={id} {...described(id, { label, hint, error })} {...input} />
    </Frame>
  );
}

export function TextField({ label, hint, error, ...area }: Labelled & TextareaHTMLAttributes<HTMLTextAreaElement>) {
  const id = useId();
  return (
    <Frame {...{ id, label, hint, error }}>
      <textarea id={id} spellCheck={false} {...described(id, { label, hint, error })} {...area} />
    </Frame>
  );
}

export function Choice({ label, hint, error, children, ...select }: Labelled & SelectHTMLAttributes<HTMLSelectElement>) {
  const id = useId();
  return (
    <Frame {...{ id, label, hint, error }}>
      <select id={id} {...described(id, { label, hint, error })} {...select}>
        {children}
      </select>
    </Frame>
  );
}

/** What the service refused of the field at the pointer. */
export function errorAt(problem: Schemas['Problem'] | null, pointer: string): string | undefined {
  const errors = (problem as { errors?: { pointer: string; detail: string }[] } | null)?.errors ?? [];
  return errors.find((one) => one.pointer === pointer)?.detail;
}
