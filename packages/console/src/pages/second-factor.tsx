import { t } from '../app/language';
import { useMutation } from '@tanstack/react-query';
import { type SubmitEvent } from 'react';
import { api } from '../api/client';
import { type Schemas } from '../api/types';
import { Act } from '../ui/act';
import { errorAt, Field } from '../ui/field';
import { typedInto } from '../ui/form';
import { problemOf, Refusal } from '../ui/refusal';

const password = (problem: Schemas['Problem'] | null) => (
  <Field label="Password" name="currentPassword" type="password" autoComplete="current-password" required error={errorAt(problem, '#/currentPassword')} />
);

/** An authenticator app beside the password: begun, confirmed by a code, and given up. */
export function SecondFactor() {
  return (
    <>
      <p>{t('A code of an authenticator app, asked for at every login.')}</p>
      <div className="row">
        <Act
          name="Set up a second factor"
          confirm="Go on"
          run={({ currentPassword = '' }) => api.POST('/v1/auth/totp', { body: { currentPassword } })}
          after={(answer) => <Confirm made={(answer as { data: Schemas['NewTotpDto'] }).data} />}
        >
          {password}
        </Act>
        <Act name="Give the second factor up" isDanger run={({ currentPassword = '' }) => api.DELETE('/v1/auth/totp', { body: { currentPassword } })}>
          {(problem) => (
            <>
              <p>{t('The password alone logs in again, and the recovery codes are void.')}</p>
              {password(problem)}
            </>
          )}
        </Act>
      </div>
    </>
  );
}

function Confirm({ made: { secret, uri } }: { made: Schemas['NewTotpDto'] }) {
  const confirm = useMutation({ mutationFn: async (code: string) => (await api.POST('/v1/auth/totp/confirm', { body: { code } })).data });
  const problem = problemOf(confirm.error);
  if (confirm.data !== undefined) {
    return (
      <>
        <p role="status">{t('The second factor counts from now on. Each of these codes lets you in once without the app; they are shown only now.')}</p>
        <pre className="json" tabIndex={0}>
          {confirm.data.recoveryCodes.join('\n')}
        </pre>
      </>
    );
  }
  function submit(event: SubmitEvent<HTMLFormElement>) {
    event.preventDefault();
    confirm.mutate((typedInto(event.currentTarget).code ?? '').replace(/\s/g, ''));
  }
  return (
    <form className="stack" onSubmit={submit}>
      <p>
        {t('Type this secret into the app, or')} <a href={uri}>{t('open it there')}</a>
        {t('. It is shown once.')}
      </p>
      <pre className="json" tabIndex={0}>
        {secret}
      </pre>
      <Field label="Code that the app shows" name="code" inputMode="numeric" autoComplete="one-time-code" required error={errorAt(problem, '#/code')} />
      <Refusal problem={problem} />
      <button className="primary" disabled={confirm.isPending}>
        {t('Confirm')}
      </button>
    </form>
  );
}
