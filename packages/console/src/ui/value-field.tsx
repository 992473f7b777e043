import { LOCALE, t } from '../app/language';
import { useState } from 'react';
import { type Schemas } from '../api/types';
import { Choice, errorAt, Field, TextField } from './field';

interface Schema {
  type?: string | string[];
  enum?: readonly unknown[];
  minimum?: number;
  maximum?: number;
  minLength?: number;
  maxLength?: number;
  multipleOf?: number;
  items?: Schema;
  properties?: Record<string, Schema>;
  additionalProperties?: unknown;
  description?: string;
}

interface ValueFieldProps {
  label: string;
  /** JSON Schema, what it bounds joined to it; null: anything goes. */
  schema: unknown;
  value: unknown;
  onChange: (value: unknown) => void;
  unit?: string | null;
  problem: Schemas['Problem'] | null;
  pointer: string;
}

const typesOf = ({ type }: Schema) => (Array.isArray(type) ? type : type === undefined ? [] : [type]);

/** A field made from a value's own JSON Schema. What has no plainer one is edited as JSON; the service has the final decision about each. */
export function ValueField(props: ValueFieldProps) {
  const { label, value, onChange, unit, problem, pointer } = props;
  const schema = (props.schema ?? {}) as Schema;
  const types = typesOf(schema);
  const error = errorAt(problem, pointer);
  const common = { label: unit ? `${t(label)} (${unit})` : label, error };
  const maybeNull = types.includes('null');
  if (types.includes('boolean')) {
    return (
      <Choice {...common} value={String(value)} onChange={({ target }) => onChange(target.value === 'true')}>
        <option value="true">{t('yes')}</option>
        <option value="false">{t('no')}</option>
      </Choice>
    );
  }
  if (schema.enum?.every((one) => typeof one === 'string')) {
    return (
      <Choice {...common} value={String(value)} onChange={({ target }) => onChange(target.value)}>
        {schema.enum.map((one) => (
          <option key={String(one)}>{String(one)}</option>
        ))}
      </Choice>
    );
  }
  if (types.includes('integer') || types.includes('number')) {
    const { minimum, maximum } = schema;
    const hint = [boundsOf(minimum, maximum), maybeNull && t('Empty: none.')].filter(Boolean).join(' ');
    return (
      <Field
        {...common}
        hint={hint || undefined}
        type="number"
        step={schema.multipleOf ?? (types.includes('integer') ? 1 : 'any')}
        min={minimum}
        max={maximum}
        required={!maybeNull}
        value={typeof value === 'number' ? value : ''}
        onChange={({ target }) => onChange(target.value === '' ? null : Number(target.value))}
      />
    );
  }
  if (types.includes('string') && types.every((type) => type === 'string' || type === 'null')) {
    const { minLength, maxLength } = schema;
    return (
      <Field
        {...common}
        {...{ minLength, maxLength }}
        hint={maybeNull ? 'Empty: none.' : undefined}
        value={typeof value === 'string' ? value : ''}
        onChange={({ target }) => onChange(maybeNull && target.value === '' ? null : target.value)}
      />
    );
  }
  if (schema.properties && maybeNull && (value === null || value === undefined)) {
    return (
      <Choice {...common} value="no" onChange={() => onChange(emptyOf(schema))}>
        <option value="no">{t('none')}</option>
        <option value="yes">{t('as follows')}</option>
      </Choice>
    );
  }
  if (schema.properties && !schema.additionalProperties && typeof value === 'object' && value !== null && !Array.isArray(value)) {
    const members = value as Record<string, unknown>;
    return (
      <fieldset className="stack">
        <legend>{common.label}</legend>
        {maybeNull && (
          <button type="button" onClick={() => onChange(null)}>
            {t('None')}
          </button>
        )}
        {Object.entries(schema.properties).map(([name, member]) => (
          <ValueField
            key={name}
            label={name}
            schema={member}
            value={members[name]}
            onChange={(next) => onChange({ ...members, [name]: next })}
            problem={problem}
            pointer={`${pointer}/${name}`}
          />
        ))}
      </fieldset>
    );
  }
  return <JsonField {...common} value={value} onChange={onChange} />;
}

/** Its members with nothing in them; a number that must be there is the smallest one allowed. */
const emptyOf = ({ properties = {} }: Schema) =>
  Object.fromEntries(Object.entries(properties).map(([name, member]) => [name, typesOf(member).includes('null') ? null : (member.minimum ?? 0)]));

function boundsOf(minimum: number | undefined, maximum: number | undefined): string {
  if (minimum !== undefined && maximum !== undefined)
    return t('{minimum} to {maximum}.', { minimum: minimum.toLocaleString(LOCALE), maximum: maximum.toLocaleString(LOCALE) });
  if (minimum !== undefined) return t('{minimum} or more.', { minimum: minimum.toLocaleString(LOCALE) });
  return maximum === undefined ? '' : t('{maximum} or less.', { maximum: maximum.toLocaleString(LOCALE) });
}

/** `undefined` is handed on for what is no JSON: nothing can be saved as long as it is. */
function JsonField({ label, error, value, onChange }: { label: string; error?: string; value: unknown; onChange: (value: unknown) => void }) {
  const [text, setText] = useState(() => JSON.stringify(value, null, 2) ?? '');
  return (
    <TextField
      label={t('{label}, as JSON', { label })}
      rows={Math.min(14, text.split('\n').length + 1)}
      value={text}
      error={value === undefined ? t('is no JSON') : error}
      onChange={({ target }) => {
        setText(target.value);
        onChange(parsed(target.value));
      }}
    />
  );
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
