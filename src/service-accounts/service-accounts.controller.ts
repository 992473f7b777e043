import { Body, Controller, Get, Headers, Param, Patch, Post, Query, Res } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { type FastifyReply } from 'fastify';
import { AdminOnly, CurrentActor, OperatorsOnly } from '../common/access.decorators';
import { type Actor, because } from '../common/principal';
import { etagOf } from '../http/etag';
import { IdParam } from '../http/id-param.pipe';
import { ListQuery } from '../http/list-query.dto';
import { NotFoundProblem } from '../http/problem';
import { type IdempotentCall, MaybeRetried } from '../idempotency/idempotency-key';
import { Creates, Fails, Preconditions, Versioned } from '../openapi/declarations';
import { CreateServiceAccountDto } from './dto/create-service-account.dto';
import { ServiceAccountDto, ServiceAccountPage } from './dto/service-account.dto';
import { UpdateServiceAccountDto } from './dto/update-service-account.dto';
import { ServiceAccountNameTaken } from './service-accounts.errors';
import { ServiceAccountsService } from './service-accounts.service';

/** What the header of an answer with a new service account bears. */
const made = (account: ServiceAccountDto) => ({ etag: etagOf(account), location: `/v1/service-accounts/${account.id}` });

@ApiTags('service-accounts')
@Controller('v1/service-accounts')
export class ServiceAccountsController {
  constructor(private readonly accounts: ServiceAccountsService) {}

  /** Service accounts, by id. */
  @Get()
  @OperatorsOnly('viewer')
  list(@Query() query: ListQuery): Promise<ServiceAccountPage> {
    return this.accounts.list(query);
  }

  /** Makes a service account: an account of a program, which no person's leaving ends. Its keys are made, rotated and revoked at `/v1/users/{id}/api-keys`. */
  @Post()
  @AdminOnly()
  @Creates(ServiceAccountDto, { etag: true })
  @Fails(ServiceAccountNameTaken)
  async create(
    @CurrentActor() actor: Actor,
    @Body() dto: CreateServiceAccountDto,
    @MaybeRetried('service-accounts.create', made) call: IdempotentCall | null,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<ServiceAccountDto> {
    const account = await this.accounts.create(because(actor, dto.reason), dto, call);
    void reply.headers(made(account));
    return account;
  }

  /** One service account. */
  @Get(':accountId')
  @OperatorsOnly('viewer')
  @Versioned()
  @Fails(NotFoundProblem)
  async get(@Param('accountId', IdParam) id: number, @Res({ passthrough: true }) reply: FastifyReply): Promise<ServiceAccountDto> {
    const account = await this.accounts.get(id);
    void reply.header('etag', etagOf(account));
    return account;
  }

  /** Gives a service account another name, or disables or enables it. */
  @Patch(':accountId')
  @AdminOnly()
  @Versioned()
  @Preconditions('optional')
  @Fails(NotFoundProblem, ServiceAccountNameTaken)
  async update(
    @CurrentActor() actor: Actor,
    @Param('accountId', IdParam) id: number,
    @Body() dto: UpdateServiceAccountDto,
    @Headers('if-match') ifMatch: string | undefined,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<ServiceAccountDto> {
    const account = await this.accounts.update(because(actor, dto.reason), id, dto, ifMatch);
    void reply.header('etag', etagOf(account));
    return account;
  }
}
