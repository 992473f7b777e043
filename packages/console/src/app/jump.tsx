import { useNavigate } from '@tanstack/react-router';
import { type SubmitEvent, useEffect, useRef } from 'react';

const UUID = /^[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}$/i;
const PAGES = ['users', 'plans', 'settings', 'requests', 'webhooks', 'audit', 'jobs'];

/** Leads to a page, a user or a request by what was typed: `/` or ⌘K come here from everywhere. */
export function Jump({ isOperator }: { isOperator: boolean }) {
  const navigate = useNavigate();
  const input = useRef<HTMLInputElement>(null);
  useEffect(() => {
    const focus = (event: KeyboardEvent) => {
      const isTyping = event.target instanceof HTMLElement && event.target.matches('input, textarea, select');
      if (!((event.key === '/' && !isTyping) || (event.key === 'k' && (event.metaKey || event.ctrlKey)))) return;
      event.preventDefault();
      input.current?.focus();
    };
    addEventListener('keydown', focus);
    return () => removeEventListener('keydown', focus);
  }, []);
  function submit(event: SubmitEvent<HTMLFormElement>) {
    event.preventDefault();
    const text = input.current?.value.trim() ?? '';
    if (text === '') return;
    if (UUID.test(text)) void navigate({ to: '/requests/$requestId', params: { requestId: text } });
    else if (PAGES.includes(text.toLowerCase())) void navigate({ to: `/${text.toLowerCase()}` as '/users', search: {} });
    else if (/^\d+$/.test(text)) void navigate({ to: '/users/$userId', params: { userId: text } });
    else if (isOperator) void navigate({ to: '/users', search: { find: text } });
    if (input.current) input.current.value = '';
    input.current?.blur();
  }
  return (
    <form role="search" className="jump" onSubmit={submit}>
      <input ref={input} aria-label="Jump to an id, an e-mail address or a page" placeholder="Jump to…  /" autoComplete="off" />
    </form>
  );
}
