import { t } from '../app/language';
import { typedInto } from '../ui/form';
import { type SubmitEvent, useState } from 'react';
import { BASE, logIn } from '../api/session';
import { type Schemas } from '../api/types';
import { Field } from '../ui/field';
import { Refusal } from '../ui/refusal';
import { ProviderCode, providerAwaitingCode } from './provider-code';
import { Providers } from './providers';

export function LogIn({ isInDialog = false }: { isInDialog?: boolean }) {
  const [problem, setProblem] = useState<Schemas['Problem'] | null>(null);
  const [isBusy, setBusy] = useState(false);
  const [needsCode, setNeedsCode] = useState(false);
  const [awaiting] = useState(providerAwaitingCode);
  async function submit(event: SubmitEvent<HTMLFormElement>) {
    event.preventDefault();
    setBusy(true);
    const { email, password, code } = typedInto(event.currentTarget);
    try {
      const refused = await logIn({ email, password, ...(code ? { code } : {}) });
      setProblem(refused);
      if (refused?.code === 'totp-required') setNeedsCode(true);
    } catch {
      setProblem({
        title: t('The service does not answer'),
        detail: t('Try again in a moment.'),
        status: 503,
        code: 'away',
        type: '',
        instance: '',
      });
    } finally {
      setBusy(false);
    }
  }
  const form = (
    <form className="stack" onSubmit={(event) => void submit(event)}>
      <Field label="E-mail" name="email" type="email" autoComplete="username" required />
      <Field label="Password" name="password" type="password" autoComplete="current-password" required />
      {needsCode && (
        <Field label="Code" name="code" autoComplete="one-time-code" inputMode="numeric" required hint="Of your authenticator app, or a recovery code." />
      )}
      <Refusal problem={problem} />
      <button className="primary" disabled={isBusy}>
        {t('Log in')}
      </button>
    </form>
  );
  if (isInDialog) return form;
  return (
    <main className="narrow">
      <h1>
        <img src={`${BASE}/console/favicon.svg`} alt="" width="32" height="32" /> {t('Quotidian')}
      </h1>
      <div className="card stack">
        {awaiting === null ? form : <ProviderCode provider={awaiting} />}
        <Providers />
      </div>
    </main>
  );
}
