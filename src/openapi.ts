import { type NestFastifyApplication } from '@nestjs/platform-fastify';
import { DocumentBuilder, type OpenAPIObject, SwaggerModule } from '@nestjs/swagger';
import { version } from '../package.json';

export const DOCS_PATH = '/docs';
/** The page runs scripts of its own and calls this service; every other answer may do nothing in a browser. */
export const DOCS_POLICY =
  "default-src 'none'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; connect-src 'self'; frame-ancestors 'none'";

/** The document of all routes, as `/openapi.json` serves it and `openapi.json` keeps it. */
export function openApiDocument(app: NestFastifyApplication): OpenAPIObject {
  const config = new DocumentBuilder()
    .setTitle('Quotidian')
    .setDescription('Accounts, plans, exact daily quotas, settings, and the requests that spend the quota.')
    .setVersion(version)
    .setOpenAPIVersion('3.1.0')
    .addBearerAuth({ type: 'http', scheme: 'bearer', description: 'An access token or an API key.' }, 'bearer')
    .build();
  return SwaggerModule.createDocument(app, config);
}

/** The document at `/openapi.json` and its page at `/docs`. */
export function setUpDocs(app: NestFastifyApplication): void {
  SwaggerModule.setup(DOCS_PATH.slice(1), app, () => openApiDocument(app), { jsonDocumentUrl: 'openapi.json' });
}
