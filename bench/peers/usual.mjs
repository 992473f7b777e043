// The usual way: a Nest application on Fastify with a guard and a validation pipe, whose service begins a transaction, locks
// the user's row, looks, updates, inserts and commits. Decorators are applied by hand, because this file is plain JavaScript.
import 'reflect-metadata';
import { Body, Controller, Get, HttpException, Inject, Injectable, Module, Post, Req, UnauthorizedException, ValidationPipe } from '@nestjs/common';
import { APP_GUARD, APP_PIPE, NestFactory } from '@nestjs/core';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { IsObject, IsOptional, Matches } from 'class-validator';
import pg from 'pg';
import { readCredentials } from './credentials.mjs';

const pool = new pg.Pool({ connectionString: process.env.DATABASE_URL, max: 16 });
pool.on('error', () => undefined);
const userOf = await readCredentials(pool);

class SubmitDto {}
decorate([Matches(/^[a-z0-9][a-z0-9._-]{0,49}$/)], SubmitDto.prototype, 'type');
decorate([IsOptional(), IsObject()], SubmitDto.prototype, 'payload');

/** @type {any} */
let KeyGuard = class {
  canActivate(context) {
    const request = context.switchToHttp().getRequest();
    if (request.url === '/health/ready') return true;
    request.userId = userOf(request.headers.authorization);
    if (request.userId === undefined) throw new UnauthorizedException();
    return true;
  }
};
KeyGuard = decorate([Injectable()], KeyGuard);

/** @type {any} */
let SubmitService = class {
  async submit(userId, { type, payload = {} }) {
    const client = await pool.connect();
    try {
      await client.query('BEGIN');
      const { rows } = await client.query(
        `SELECT api_quota_daily, api_quota_unlimited, api_quota_used_today, quota_reset_date < CURRENT_DATE AS stale FROM users WHERE id = $1 FOR UPDATE`,
        [userId],
      );
      const [user] = rows;
      const used = (user.stale ? 0 : user.api_quota_used_today) + 1;
      if (!user.api_quota_unlimited && used > user.api_quota_daily) throw new HttpException('Quota exceeded', 429);
      await client.query(`UPDATE users SET api_quota_used_today = $2, quota_reset_date = CURRENT_DATE, updated_at = now() WHERE id = $1`, [userId, used]);
      const inserted = await client.query(
        `INSERT INTO requests (user_id, type, cost, charged_on, payload) VALUES ($1, $2, 1, CURRENT_DATE, $3) RETURNING id, type, status, payload, created_at`,
        [userId, type, JSON.stringify(payload)],
      );
      await client.query('COMMIT');
      return inserted.rows[0];
    } catch (error) {
      await client.query('ROLLBACK');
      throw error;
    } finally {
      client.release();
    }
  }
};
SubmitService = decorate([Injectable()], SubmitService);

/** @type {any} */
let RequestsController = class {
  constructor(service) {
    this.service = service;
  }
  submit(request, dto) {
    return this.service.submit(request.userId, dto);
  }
  ready() {
    return { status: 'ready' };
  }
};
Inject(SubmitService)(RequestsController, undefined, 0);
Req()(RequestsController.prototype, 'submit', 0);
Body()(RequestsController.prototype, 'submit', 1);
Reflect.defineMetadata('design:paramtypes', [Object, SubmitDto], RequestsController.prototype, 'submit');
decorate([Post('v1/requests')], RequestsController.prototype, 'submit');
decorate([Get('health/ready')], RequestsController.prototype, 'ready');
RequestsController = decorate([Controller()], RequestsController);

/** @type {any} */
let AppModule = class {};
AppModule = decorate(
  [
    Module({
      controllers: [RequestsController],
      providers: [
        SubmitService,
        { provide: APP_GUARD, useClass: KeyGuard },
        {
          provide: APP_PIPE,
          useValue: new ValidationPipe({ whitelist: true, forbidNonWhitelisted: true, transform: true }),
        },
      ],
    }),
  ],
  AppModule,
);

const app = await NestFactory.create(AppModule, new FastifyAdapter(), { logger: ['error'] });
await app.listen(Number(process.env.PORT), '127.0.0.1');
process.once('SIGTERM', () => process.exit(0));

function decorate(decorators, target, property) {
  if (property === undefined) return Reflect.decorate(decorators, target);
  const descriptor = Object.getOwnPropertyDescriptor(target, property);
  for (const decorator of decorators.reverse()) decorator(target, property, descriptor);
}
