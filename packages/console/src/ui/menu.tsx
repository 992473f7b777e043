import { type KeyboardEvent, type ReactNode, useRef } from 'react';
import { t } from '../app/language';

/** Acts that are not needed each day, behind one button. Escape closes it, unless a dialog of one of them is open. */
export function Menu({ label, children }: { label: string; children: ReactNode }) {
  const menu = useRef<HTMLDetailsElement>(null);
  function press(event: KeyboardEvent) {
    if (event.key !== 'Escape' || menu.current === null || menu.current.querySelector('dialog[open]')) return;
    menu.current.open = false;
    menu.current.querySelector('summary')?.focus();
  }
  return (
    <details className="menu" ref={menu} onKeyDown={press}>
      <summary>{t(label)}</summary>
      <div className="stack">{children}</div>
    </details>
  );
}
