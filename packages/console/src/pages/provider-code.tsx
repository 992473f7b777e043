import { t } from '../app/language';
import { type SubmitEvent, useState } from 'react';
import { sendProviderCode } from '../api/session';
import { type Schemas } from '../api/types';
import { Field } from '../ui/field';
import { typedInto } from '../ui/form';
import { Refusal } from '../ui/refusal';

/** The provider whose login waits for a code; the way back leaves its id in the fragment. */
export function providerAwaitingCode(): string | null {
  return /^#problem=code-awaited&provider=([a-z0-9-]+)$/.exec(location.hash)?.[1] ?? null;
}

const away = () => ({ title: t('The service does not answer'), detail: t('Try again in a moment.'), status: 503, code: 'away', type: '', instance: '' });

/** Asks for the code of an account that somebody logs in to by a provider. */
export function ProviderCode({ provider }: { provider: string }) {
  const [problem, setProblem] = useState<Schemas['Problem'] | null>(null);
  const [isBusy, setBusy] = useState(false);
  async function submit(event: SubmitEvent<HTMLFormElement>) {
    event.preventDefault();
    setBusy(true);
    const { code = '' } = typedInto(event.currentTarget);
    setProblem(await sendProviderCode(provider, code).catch(away));
    setBusy(false);
  }
  return (
    <form className="stack" onSubmit={(event) => void submit(event)}>
      <Field label="Code" name="code" autoComplete="one-time-code" inputMode="numeric" required hint="Of your authenticator app, or a recovery code." />
      <Refusal problem={problem} />
      <button className="primary" disabled={isBusy}>
        {t('Go on')}
      </button>
    </form>
  );
}
