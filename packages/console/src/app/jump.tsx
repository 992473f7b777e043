import { t } from './language';
import { useNavigate } from '@tanstack/react-router';
import { type KeyboardEvent as Key, useEffect, useId, useState } from 'react';
import { Dialog } from '../ui/dialog';
import { Icon } from '../ui/icon';
import { type Place, placesFor } from './places';

/** Leads to a page, a user or a request by what is typed: `/` and ⌘K open it from everywhere. */
export function Jump({ places, isOperator }: { places: readonly Place[]; isOperator: boolean }) {
  const [isOpen, setOpen] = useState(false);
  useEffect(() => {
    const open = (event: KeyboardEvent) => {
      const isTyping = event.target instanceof HTMLElement && event.target.matches('input, textarea, select');
      if (!((event.key === '/' && !isTyping) || (event.key === 'k' && (event.metaKey || event.ctrlKey)))) return;
      // What is open already asks something else.
      if (document.querySelector('dialog[open]')) return;
      event.preventDefault();
      setOpen(true);
    };
    addEventListener('keydown', open);
    return () => removeEventListener('keydown', open);
  }, []);
  return (
    <>
      <button type="button" className="jump" onClick={() => setOpen(true)}>
        {t('Jump to…')} <kbd>/</kbd>
      </button>
      <Dialog title="Jump to an id, an e-mail address or a page" isOpen={isOpen} onClose={() => setOpen(false)}>
        <Finder {...{ places, isOperator }} close={() => setOpen(false)} />
      </Dialog>
    </>
  );
}

function Finder({ places, isOperator, close }: { places: readonly Place[]; isOperator: boolean; close: () => void }) {
  const navigate = useNavigate();
  const id = useId();
  const [text, setText] = useState('');
  const [chosen, setChosen] = useState(0);
  const found = placesFor(text, { places, isOperator });
  const go = (place: Place | undefined) => {
    if (place === undefined) return;
    close();
    void navigate(place.link as { to: '/' });
  };
  function press(event: Key) {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step !== undefined) setChosen((chosen + step + found.length) % Math.max(found.length, 1));
    else if (event.key === 'Enter') go(found[chosen]);
    else return;
    event.preventDefault();
  }
  return (
    <>
      <input
        role="combobox"
        aria-label={t('Jump to')}
        aria-expanded
        aria-controls={id}
        aria-activedescendant={found.length > 0 ? `${id}-${chosen}` : undefined}
        autoComplete="off"
        autoFocus
        className="wide"
        value={text}
        onChange={({ target }) => {
          setText(target.value);
          setChosen(0);
        }}
        onKeyDown={press}
      />
      <ul id={id} role="listbox" aria-label={t('Places')} className="places">
        {found.map((place, i) => (
          <li key={place.name} id={`${id}-${i}`} role="option" aria-selected={i === chosen} onMouseDown={() => go(place)}>
            <Icon name={place.icon} /> {t(place.name)}
          </li>
        ))}
      </ul>
      <button type="button" className="unseen" onClick={close}>
        {t('Close')}
      </button>
    </>
  );
}
