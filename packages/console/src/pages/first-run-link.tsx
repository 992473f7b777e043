import { t } from '../app/language';
import { typedInto } from '../ui/form';
import { type SubmitEvent, useState } from 'react';
import { signInByLink } from '../api/session';
import { type Schemas } from '../api/types';
import { Field } from '../ui/field';
import { Refusal } from '../ui/refusal';

/** Where the link of the very first start leads: a password of one's own, and in. The token never leaves the fragment but in the body of one POST. */
export function FirstRunLink() {
  const [token] = useState(() => location.hash.slice('#token='.length));
  const [problem, setProblem] = useState<Schemas['Problem'] | null>(null);
  async function submit(event: SubmitEvent<HTMLFormElement>) {
    event.preventDefault();
    const newPassword = typedInto(event.currentTarget).newPassword ?? '';
    history.replaceState(null, '', location.pathname);
    setProblem(await signInByLink({ token, newPassword }));
  }
  return (
    <main className="narrow">
      <h1>{t('Welcome to Quotidian')}</h1>
      <p>{t('This link signs you in as the first administrator, once. Choose a password of your own in place of the one that was printed.')}</p>
      <form className="stack" onSubmit={(event) => void submit(event)}>
        <Field label="New password" name="newPassword" type="password" autoComplete="new-password" required minLength={8} />
        <Refusal problem={problem} />
        {problem?.code === 'token-refused' && (
          <p>
            {t('The link was used, or ten minutes have passed:')} <a href="./">{t('log in with the password that the start printed')}</a>.
          </p>
        )}
        <button className="primary">{t('Set the password and go on')}</button>
      </form>
    </main>
  );
}
