import { t } from '../app/language';
import { typedInto } from './form';
import { useMutation } from '@tanstack/react-query';
import { type ReactNode, type SubmitEvent, useState } from 'react';
import { queries } from '../api/client';
import { type Schemas } from '../api/types';
import { Dialog } from './dialog';
import { problemOf, Refusal } from './refusal';

interface ActProps {
  /** On the button, and the title of what it opens. */
  name: string;
  /** On the button in place of the name, where the row around it shows what it is about. */
  short?: string;
  /** On the button that does it; the name unless given. */
  confirm?: string;
  isDanger?: boolean;
  /** What is asked, or said, before it is done. */
  children: ReactNode | ((problem: Schemas['Problem'] | null) => ReactNode);
  /** @throws ProblemError, which is shown */
  run: (form: Partial<Record<string, string>>) => Promise<unknown>;
  /** In place of closing. */
  after?: (answer: unknown) => ReactNode;
}

/** A button that asks before it does something, shows why that was refused, and has everything on the page read anew afterwards. */
export function Act({ name, short, confirm = short ?? name, isDanger = false, children, run, after }: ActProps) {
  const [isOpen, setOpen] = useState(false);
  const act = useMutation({
    mutationFn: run,
    onSuccess: async () => {
      await queries.invalidateQueries();
      if (!after) setOpen(false);
    },
  });
  const problem = problemOf(act.error);
  const close = () => {
    setOpen(false);
    act.reset();
  };
  function submit(event: SubmitEvent<HTMLFormElement>) {
    event.preventDefault();
    act.mutate(typedInto(event.currentTarget));
  }
  return (
    <>
      <button type="button" className={isDanger ? 'danger' : undefined} aria-label={short && t(name)} onClick={() => setOpen(true)}>
        {t(short ?? name)}
      </button>
      <Dialog title={name} isOpen={isOpen} onClose={close}>
        {act.isSuccess && after ? (
          <div className="stack">
            {after(act.data)}
            <button type="button" className="primary" onClick={close}>
              {t('Done')}
            </button>
          </div>
        ) : (
          <form className="stack" onSubmit={submit}>
            {typeof children === 'function' ? children(problem) : children}
            <Refusal problem={problem} />
            <div className="row end">
              <button type="button" onClick={close}>
                {t('Cancel')}
              </button>
              <button className={isDanger ? 'danger' : 'primary'} disabled={act.isPending}>
                {t(confirm)}
              </button>
            </div>
          </form>
        )}
      </Dialog>
    </>
  );
}
