import { useMutation, useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { api } from '../api/client';
import { useMe } from '../app/me';
import { problemOf, Refusal } from '../ui/refusal';
import { NewKey } from './keys';
import { NewPlan, useTiers } from './plans';

/** The first steps, each marked as done when it is: a plan, a user, a key, and the first charge. */
export function FirstRun() {
  const me = useMe();
  const tiers = useTiers();
  const users = useQuery({ queryKey: ['users', 'first'], queryFn: async () => (await api.GET('/v1/users', { params: { query: { limit: 2 } } })).data });
  const userId = String(me.data?.id ?? '');
  const charge = useMutation({ mutationFn: async () => (await api.POST('/v1/requests', { body: { type: 'first' } as never })).data });
  const other = users.data?.items.find(({ id }) => String(id) !== userId);
  return (
    <>
      <h1>First steps</h1>
      <ol className="timeline">
        <li>
          <h2>A plan</h2>
          <p>
            There {tiers.data?.items.length === 1 ? 'is 1 plan' : `are ${tiers.data?.items.length ?? '…'} plans`}. A plan is how many units a day somebody has.
          </p>
          <NewPlan />
        </li>
        <li>
          <h2>A user</h2>
          <p>{other ? `${other.email} is there.` : 'Nobody but you is there yet.'} Users have a plan each, and keys.</p>
          <Link to="/users">Make one on the page of users</Link>
        </li>
        <li>
          <h2>A key</h2>
          <p>Programs call with a key. This one is yours.</p>
          {userId !== '' && <NewKey userId={userId} />}
        </li>
        <li>
          <h2>The first charge</h2>
          <p>A request exists if and only if it was charged.</p>
          <button type="button" className="primary" disabled={charge.isPending} onClick={() => charge.mutate()}>
            Make the first charge
          </button>
          <Refusal problem={problemOf(charge.error)} />
          {charge.data && (
            <p role="status">
              Charged {charge.data.cost}:{' '}
              <Link to="/requests/$requestId" params={{ requestId: charge.data.id }}>
                look at it
              </Link>
              .
            </p>
          )}
        </li>
      </ol>
    </>
  );
}
