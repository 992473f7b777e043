import { type NestFastifyApplication } from '@nestjs/platform-fastify';
import { DocumentBuilder, type OpenAPIObject, SwaggerModule } from '@nestjs/swagger';
import { type FastifyReply } from 'fastify';
import { version } from '../../package.json';
import { renderAlike } from './alike';
import { bound } from './bounds';
import { exampleComponents, renderAnswerExamples } from './examples';
import { CONSTANT_FIELDS, fieldComponents, PAGE_FIELDS, TEST_CLOCK_FIELDS } from './fields';
import { type Operation, renderOperation } from './operations';
import { ProblemResponses } from './problems';
import { declaredRoutes, operationId } from './routes';

export const DOCS_PATH = '/docs';
const DOCUMENT_PATH = '/openapi.json';
/** The page runs scripts of its own and calls this service; every other answer may do nothing in a browser. */
export const DOCS_POLICY =
  "default-src 'none'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; connect-src 'self'; frame-ancestors 'none'";

const TAGS = {
  auth: 'Accounts are registered and sessions begin here.',
  users: 'Accounts.',
  'api-keys': 'What programs call with.',
  'service-accounts': 'Accounts of programs, which belong to no person.',
  webhooks: 'Events, sent to where users and the operator want them.',
  tiers: 'Plans: daily quota and burst limit.',
  quotas: 'What is left of the day, what was used, and what operators change about it.',
  requests: 'The metered acts. A request exists if and only if it was charged.',
  work: 'Those who carry requests out: claim, heartbeat, complete, fail.',
  gateway: 'The check that a reverse proxy asks for before it forwards.',
  configurations: 'Settings, and where each value came from.',
  jobs: 'Scheduled work.',
  audit: 'Every administrative change.',
  events: 'What happened, in order.',
  errors: 'What the codes of refusals mean.',
  health: 'For orchestrators and monitors.',
  'test-clock': 'The clock of a service that was started for tests.',
};

/** The document of all routes, as `/openapi.json` serves it and `openapi.json` keeps it. */
export function openApiDocument(app: NestFastifyApplication): OpenAPIObject {
  const config = new DocumentBuilder()
    .setTitle('Quotidian')
    .setDescription('Accounts, plans, exact daily quotas, settings, and the requests that spend the quota.')
    .setVersion(version)
    .setOpenAPIVersion('3.1.0')
    .setLicense('Apache-2.0', 'https://www.apache.org/licenses/LICENSE-2.0')
    .setContact('Quotidian', 'https://github.com/quotidian', 'security@quotidian.example')
    .addServer('/')
    .addBearerAuth(
      {
        type: 'http',
        scheme: 'bearer',
        description:
          'An access token from `POST /v1/auth/login` (a JWT, held to RFC8725: algorithm, issuer, audience, type and expiry are checked), or an API key.',
      },
      'bearer',
    );
  for (const [tag, description] of Object.entries(TAGS)) config.addTag(tag, description);
  return render(app, SwaggerModule.createDocument(app, config.build(), { operationIdFactory: operationId }));
}

/** Completes what the framework knows of routes and DTOs by what the routes declare. */
function render(app: NestFastifyApplication, document: OpenAPIObject): OpenAPIObject {
  const routes = declaredRoutes(app);
  const problems = new ProblemResponses();
  for (const server of document.servers ?? []) Object.assign(server, { 'x-internal': false });
  for (const item of Object.values(document.paths)) {
    for (const [method, operation] of Object.entries(item) as [string, Operation][]) {
      const route = routes.get(operation.operationId as string);
      if (route) renderOperation(method, operation, route, problems);
    }
  }
  const components = (document.components ??= {});
  components.schemas = { ...components.schemas, ...problems.schemas };
  components.responses = problems.responses as never;
  renderAnswerExamples(document);
  renderAlike(document, routes, problems.responses);
  components.examples = exampleComponents();
  const used = JSON.stringify(document).matchAll(/"#\/components\/headers\/([^"]+)"/g);
  components.headers = fieldComponents(new Set([...used].map(([, name]) => name as string)));
  bound(document);
  return Object.assign(document, {
    'x-fields-of-every-answer': CONSTANT_FIELDS,
    'x-fields-for-other-origins': PAGE_FIELDS,
    'x-fields-by-test-clock': TEST_CLOCK_FIELDS,
  });
}

const served = new WeakMap<NestFastifyApplication, { document: OpenAPIObject; bytes: Buffer }>();

/** What is served, made once: that takes a fifth of a second, so whoever serves does it before anybody can wait for it. */
export function servedDocument(app: NestFastifyApplication): { document: OpenAPIObject; bytes: Buffer } {
  const known = served.get(app);
  if (known !== undefined) return known;
  const document = openApiDocument(app);
  const made = { document, bytes: Buffer.from(JSON.stringify(document)) };
  served.set(app, made);
  return made;
}

/** The document at `/openapi.json` and its page at `/docs`, sent from where they are kept. */
export function setUpDocs(app: NestFastifyApplication): void {
  SwaggerModule.setup(DOCS_PATH.slice(1), app, () => servedDocument(app).document, { raw: false });
  app.getHttpAdapter().get(DOCUMENT_PATH, (_: unknown, reply: FastifyReply) => {
    void reply.type('application/json; charset=utf-8').send(servedDocument(app).bytes);
  });
}
