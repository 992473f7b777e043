import { Link } from '@tanstack/react-router';

export function NotThere() {
  return (
    <>
      <h1>There is no such page</h1>
      <p>
        It may have been removed, or be somebody else’s. <Link to="/">Go to the beginning</Link>.
      </p>
    </>
  );
}
