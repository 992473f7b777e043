import { type NestFastifyApplication } from '@nestjs/platform-fastify';
import { type AddressInfo } from 'node:net';
import { resolve } from 'node:path';
import { version } from '../../package.json';
import { type NewAdmin } from '../auth/admins.service';
import { workerPlace } from '../common/worker-process';
import { Environment } from '../config/environment';
import { mailFolder } from '../mail/mail-folder';

/** The first administrator, as they are shown once. */
export interface ShownAdmin extends NewAdmin {
  password: string;
  /** Of the link that signs them in once; null: there is no console to follow it to. */
  linkToken: string | null;
}

/** What `serve` prints once it listens. The administrator, if one was just made, is shown here and never again. */
export function banner(app: NestFastifyApplication, admin: ShownAdmin | null): string {
  const environment = app.get(Environment);
  const { port } = app.getHttpServer().address() as AddressInfo;
  const host = ['0.0.0.0', '::'].includes(environment.host) ? 'localhost' : environment.host;
  const url = `http://${host.includes(':') ? `[${host}]` : host}:${port}`;
  const consoleUrl = `${url}${environment.basePath}/console/`;
  const rows = [
    ['API', url],
    ...(environment.CONSOLE_ENABLED ? [['Console', consoleUrl]] : []),
    ['Docs', `${url}/docs`],
    ['Data', environment.embedded ? `${resolve(environment.DATA_DIR)} (embedded PostgreSQL)` : databaseOf(environment.DATABASE_URL ?? '')],
    ['Mail', mailOf(environment)],
    ...workersOf(environment),
    ...(environment.TEST_CLOCK ? [['TEST CLOCK', `set by POST ${url}${environment.basePath}/test/clock: never for production`]] : []),
  ];
  const secrets =
    admin === null
      ? []
      : [
          ['e-mail', admin.email],
          ['password', admin.password],
          ['API key', admin.apiKey],
          // In the fragment: no server on the way gets to log it.
          ...(admin.linkToken === null ? [] : [['begin here', `${consoleUrl}first-run#token=${admin.linkToken} (once, within 10 minutes)`]]),
        ];
  const lines = (pairs: string[][]) => pairs.map(([label = '', value]) => `  ${label.padEnd(10)} ${value}\n`).join('');
  const once = admin === null ? '' : `\n  First start: this administrator was made. It is shown once.\n${lines(secrets)}`;
  return `\n  Quotidian ${version}\n\n${lines(rows)}${once}\n`;
}

/** How many processes share the port, and what is divided among them. */
function workersOf({ DATABASE_POOL_SIZE, ADMISSION_QUEUE_LIMIT }: Environment): string[][] {
  const place = workerPlace();
  return place === null
    ? []
    : [['Workers', `${place.of}, each with DATABASE_POOL_SIZE=${DATABASE_POOL_SIZE} and ADMISSION_QUEUE_LIMIT=${ADMISSION_QUEUE_LIMIT}`]];
}

/** Where mails go, without user and password. */
function mailOf({ smtpServer, DATA_DIR }: Environment): string {
  return smtpServer === null ? `${mailFolder(DATA_DIR)} (files: SMTP_URL is not set)` : `${smtpServer.host}:${smtpServer.port}`;
}

/** Without user and password. */
function databaseOf(url: string): string {
  return url.replace(/^(\w+:\/\/)[^@/]*@/, '$1').replace(/\?.*/, '');
}
