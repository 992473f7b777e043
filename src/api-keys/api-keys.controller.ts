import { Body, Controller, Delete, Get, Headers, HttpCode, Param, Patch, Post, Query, Req, Res } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { type FastifyReply, type FastifyRequest } from 'fastify';
import { ReasonQuery } from '../audit/dto/reason.dto';
import { AccountOwner, ActsForOthers, type Caller, CurrentActor, CurrentCaller, CurrentPrincipal } from '../common/access.decorators';
import { type Actor, because, type Principal } from '../common/principal';
import { ReadsBody } from '../http/body.guard';
import { IdParam } from '../http/id-param.pipe';
import { ListQuery } from '../http/list-query.dto';
import { NotFoundProblem } from '../http/problem';
import { SubjectId, subjectIn, UserIdParam } from '../http/subject.decorator';
import { checkBody } from '../http/validation.pipe';
import { type IdempotentCall, MaybeRetried } from '../idempotency/idempotency-key';
import { Creates, Fails, Preconditions, Versioned } from '../openapi/declarations';
import { ScopeNotGrantable, TooManyApiKeys } from './api-keys.errors';
import { ApiKeysService } from './api-keys.service';
import { ApiKeyDto, ApiKeyPage, NewApiKeyDto } from './dto/api-key.dto';
import { CreateApiKeyDto } from './dto/create-api-key.dto';
import { RotateApiKeyDto } from './dto/rotate-api-key.dto';
import { UpdateApiKeyDto } from './dto/update-api-key.dto';
import { keyTag } from './key-facts';

/** What the header of an answer with a new key bears. */
const made = (userId: number, { id }: ApiKeyDto) => ({ location: `/v1/users/${userId}/api-keys/${id}` });

@ApiTags('api-keys')
@UserIdParam()
@Fails(NotFoundProblem)
@Controller('v1/users/:userId/api-keys')
export class ApiKeysController {
  constructor(private readonly keys: ApiKeysService) {}

  /** The user's keys that were not revoked, newest first. */
  @Get()
  @AccountOwner()
  @ActsForOthers('viewer')
  list(@SubjectId() userId: number, @Query() query: ListQuery): Promise<ApiKeyPage> {
    return this.keys.list(userId, query);
  }

  /** One key that was not revoked. */
  @Get(':keyId')
  @AccountOwner()
  @ActsForOthers('viewer')
  @Versioned()
  async get(@SubjectId() userId: number, @Param('keyId', IdParam) keyId: number, @Res({ passthrough: true }) reply: FastifyReply): Promise<ApiKeyDto> {
    const key = await this.keys.get(userId, keyId);
    void reply.header('etag', keyTag(key));
    return key;
  }

  /** Makes a key. Its secret is in this answer and nowhere else: repeated under an `Idempotency-Key`, `key` is null. Rotate the key if the first answer was lost. */
  @Post()
  @AccountOwner()
  @Creates(NewApiKeyDto)
  @Fails(ScopeNotGrantable, TooManyApiKeys)
  async create(
    @CurrentPrincipal() principal: Principal,
    @CurrentActor() actor: Actor,
    @SubjectId() userId: number,
    @Body() dto: CreateApiKeyDto,
    @MaybeRetried('api-keys.create', (key: NewApiKeyDto, request) => made(subjectIn(request), key)) call: IdempotentCall | null,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<NewApiKeyDto> {
    const key = await this.keys.create(because(actor, dto.reason), principal.isAdmin, userId, dto, call);
    void reply.headers(made(userId, key));
    return key;
  }

  /** Changes a key, not its secret: on every replica within a second. */
  @Patch(':keyId')
  @AccountOwner()
  @Versioned()
  @Preconditions('optional')
  @Fails(ScopeNotGrantable)
  async update(
    @CurrentCaller() { principal, actor }: Caller,
    @SubjectId() userId: number,
    @Param('keyId', IdParam) keyId: number,
    @Body() dto: UpdateApiKeyDto,
    @Headers('if-match') ifMatch: string | undefined,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<ApiKeyDto> {
    const key = await this.keys.update(because(actor, dto.reason), principal.isAdmin, userId, keyId, dto, ifMatch);
    void reply.header('etag', keyTag(key));
    return key;
  }

  /** Revokes a key: it stops everywhere within a second. */
  @Delete(':keyId')
  @AccountOwner()
  @HttpCode(204)
  async revoke(
    @CurrentActor() actor: Actor,
    @SubjectId() userId: number,
    @Param('keyId', IdParam) keyId: number,
    @Query() { reason }: ReasonQuery,
  ): Promise<void> {
    await this.keys.revoke(because(actor, reason), userId, keyId);
  }

  /** Gives the key a new secret; the old one stops at once, or after `overlapSeconds`, in which both work. Repeated under an `Idempotency-Key`, nothing happens and `key` is null. */
  @Post(':keyId/rotate')
  @AccountOwner()
  @HttpCode(200)
  @ReadsBody(RotateApiKeyDto, { required: false })
  rotate(
    @CurrentActor() actor: Actor,
    @SubjectId() userId: number,
    @Param('keyId', IdParam) keyId: number,
    @Query() query: ReasonQuery,
    @Req() { body }: FastifyRequest,
    @MaybeRetried('api-keys.rotate') call: IdempotentCall | null,
  ): Promise<NewApiKeyDto> {
    const { overlapSeconds, reason = query.reason } = checkBody(RotateApiKeyDto, body ?? {});
    return this.keys.rotate(because(actor, reason), userId, keyId, overlapSeconds, call);
  }
}
