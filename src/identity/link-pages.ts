import { createHash } from 'node:crypto';

/** A page that a link in a mail leads to, and the policy that lets in nothing but what stands in it. */
export interface LinkPage {
  html: string;
  policy: string;
}

/** Shared by the pages. Nothing happens before somebody presses the button: programs that look at mails follow links too. The token is in the fragment, which no server sees. */
const SCRIPT = `
const form = document.querySelector('form');
const answer = document.querySelector('output');
const token = new URLSearchParams(location.hash.slice(1)).get('token') ?? '';
history.replaceState(null, '', location.pathname);
form.addEventListener('submit', async (event) => {
  event.preventDefault();
  form.querySelector('button').disabled = true;
  answer.textContent = '…';
  try {
    const body = JSON.stringify({ token, ...Object.fromEntries(new FormData(form)) });
    const response = await fetch(form.dataset.path, { method: 'POST', headers: { 'content-type': 'application/json' }, body });
    if (response.ok) {
      form.hidden = true;
      answer.textContent = form.dataset.done;
      return;
    }
    const { detail, errors } = await response.json();
    answer.textContent = errors?.[0] ? detail + ' (' + errors[0].detail + ')' : detail;
  } catch {
    answer.textContent = 'That did not go through. Try again.';
  }
  form.querySelector('button').disabled = false;
});
`;

const STYLE = `
body { font: 1rem/1.5 system-ui, sans-serif; max-width: 26rem; margin: 4rem auto; padding: 0 1rem }
label, input, button { display: block; width: 100%; box-sizing: border-box; font: inherit; margin: .5rem 0 }
input, button { padding: .5rem }
`;

const sourceOf = (text: string) => `'sha256-${createHash('sha256').update(text).digest('base64')}'`;
const POLICY = `default-src 'none'; script-src ${sourceOf(SCRIPT)}; style-src ${sourceOf(STYLE)}; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`;

/** @param path of the route, from the page: it works below a prefix too */
function pageOf(title: string, path: string, done: string, fields: string): LinkPage {
  const html = `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>${title}</title><style>${STYLE}</style></head>
<body>
<main>
<h1>${title}</h1>
<form data-path="${path}" data-done="${done}">
${fields}
</form>
<p><output></output></p>
<noscript><p>This page needs JavaScript.</p></noscript>
</main>
<script>${SCRIPT}</script>
</body>
</html>
`;
  return { html, policy: POLICY };
}

export const VERIFY_PAGE = pageOf('Confirm your address', 'v1/auth/email/verify', 'Your address is confirmed.', '<button>Confirm</button>');

export const RESET_PAGE = pageOf(
  'Set a new password',
  'v1/auth/password/reset',
  'Your password is set. Sign in with it.',
  '<label for="password">New password</label>\n<input id="password" name="newPassword" type="password" autocomplete="new-password" required maxlength="256">\n<button>Set it</button>',
);
