import { type NestFastifyApplication } from '@nestjs/platform-fastify';
import { DocumentBuilder, type OpenAPIObject, SwaggerModule } from '@nestjs/swagger';
import { version } from '../package.json';

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
  SwaggerModule.setup('docs', app, () => openApiDocument(app), { jsonDocumentUrl: 'openapi.json' });
}
