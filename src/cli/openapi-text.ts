import { createApp } from '../app';
import { openApiDocument } from '../openapi/document';

/** The document as `openapi.json` holds it. Needs no database: the application is looked at, and not started. */
export async function openApiText(): Promise<string> {
  const app = await createApp({ preview: true });
  try {
    return `${JSON.stringify(openApiDocument(app), null, 2)}\n`;
  } finally {
    await app.close();
  }
}
