import { QueryClientProvider } from '@tanstack/react-query';
import { RouterProvider } from '@tanstack/react-router';
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { queries } from './api/client';
import { applyAppearance } from './app/appearance';
import { loadLanguage } from './app/language';
import { Session } from './app/session';
import { router } from './app/router';
import './styles.css';

applyAppearance();

const root = createRoot(document.getElementById('root') as HTMLElement);

void loadLanguage().finally(() =>
  root.render(
    <StrictMode>
      <QueryClientProvider client={queries}>
        <Session>
          <RouterProvider router={router} />
        </Session>
      </QueryClientProvider>
    </StrictMode>,
  ),
);
