import { t } from '../app/language';
import { type ReactNode, useEffect, useId, useRef } from 'react';

interface DialogProps {
  title: string;
  isOpen: boolean;
  /** Left out: it cannot be closed. */
  onClose?: () => void;
  children: ReactNode;
}

/** The browser's own modal: focus stays in it, Escape closes it, and what is behind it cannot be reached. */
export function Dialog({ title, isOpen, onClose, children }: DialogProps) {
  const dialog = useRef<HTMLDialogElement>(null);
  const id = useId();
  useEffect(() => {
    if (isOpen) dialog.current?.showModal();
    else dialog.current?.close();
  }, [isOpen]);
  return (
    <dialog
      ref={dialog}
      aria-labelledby={id}
      onCancel={(event) => {
        event.preventDefault();
        onClose?.();
      }}
    >
      {isOpen && (
        <>
          <h2 id={id}>{t(title)}</h2>
          {children}
        </>
      )}
    </dialog>
  );
}
