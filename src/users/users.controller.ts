import { Body, Controller, Delete, Get, Headers, HttpCode, Patch, Post, Query, Req, Res } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { type FastifyReply } from 'fastify';
import { ReasonQuery } from '../audit/dto/reason.dto';
import {
  AccountOwner,
  ActsForOthers,
  AdminOnly,
  type AuthenticatedRequest,
  type Caller,
  CurrentActor,
  CurrentCaller,
  OperatorsOnly,
  Scopes,
} from '../common/access.decorators';
import { type Actor, because } from '../common/principal';
import { ReplicaReads } from '../database/replica-reads';
import { DryRunQuery } from '../http/dry-run-query.dto';
import { etagOf } from '../http/etag';
import { NotFoundProblem } from '../http/problem';
import { SubjectId, UserIdParam } from '../http/subject.decorator';
import { type IdempotentCall, MaybeRetried } from '../idempotency/idempotency-key';
import { AnswersEither, Creates, Fails, MayBeReplicas, MayBeVersioned, Preconditions, Versioned } from '../openapi/declarations';
import { HashingBusy, TooManyAttempts } from '../passwords/passwords.errors';
import { CreateUserDto } from './dto/create-user.dto';
import { ListUsersQuery } from './dto/list-users.dto';
import { UpdateUserDto } from './dto/update-user.dto';
import { UserDto, UserPage, UserPreviewDto } from './dto/user.dto';
import { UpdateUserService } from './update-user.service';
import { UserDeparturesService } from './user-departures.service';
import { AdminFields, EmailTaken, ExternalIdTaken, LastAdmin, NotDeparting, WrongPassword } from './users.errors';
import { UsersService } from './users.service';

/** What the header of an answer with a new account bears. */
const made = (user: UserDto) => ({ etag: etagOf(user), location: `/v1/users/${user.id}` });

@ApiTags('users')
@Controller('v1/users')
export class UsersController {
  constructor(
    private readonly users: UsersService,
    private readonly updates: UpdateUserService,
    private readonly departures: UserDeparturesService,
    private readonly reads: ReplicaReads,
  ) {}

  /** Accounts, by id. */
  @Get()
  @OperatorsOnly('viewer')
  @MayBeReplicas()
  list(@Query() query: ListUsersQuery, @Req() request: AuthenticatedRequest, @Res({ passthrough: true }) reply: FastifyReply): Promise<UserPage> {
    return this.reads.answer(request, reply, (from) => this.users.list(query, from));
  }

  /** Makes an account. */
  @Post()
  @AdminOnly()
  @Creates(UserDto, { etag: true })
  @Fails(EmailTaken, ExternalIdTaken, TooManyAttempts, HashingBusy)
  async create(
    @CurrentActor() actor: Actor,
    @Body() dto: CreateUserDto,
    @MaybeRetried('users.create', made) call: IdempotentCall | null,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<UserDto> {
    const user = await this.users.create(because(actor, dto.reason), dto, call);
    void reply.headers(made(user));
    return user;
  }

  /** One account. */
  @Get(':userId')
  @UserIdParam()
  @Scopes()
  @ActsForOthers('viewer')
  @Versioned()
  @Fails(NotFoundProblem)
  async get(@SubjectId('service') userId: number, @Res({ passthrough: true }) reply: FastifyReply): Promise<UserDto> {
    const user = await this.users.get(userId);
    void reply.header('etag', etagOf(user));
    return user;
  }

  /** Changes an account; `?dryRun=true` shows what it would come to and when. */
  @Patch(':userId')
  @UserIdParam()
  @AccountOwner()
  @AnswersEither(UserDto, UserPreviewDto)
  @MayBeVersioned()
  @Preconditions('optional')
  @Fails(NotFoundProblem, AdminFields, WrongPassword, EmailTaken, ExternalIdTaken, LastAdmin, TooManyAttempts, HashingBusy)
  async update(
    @CurrentCaller() { actor, ...where }: Caller,
    @SubjectId() userId: number,
    @Body() dto: UpdateUserDto,
    @Query() { dryRun }: DryRunQuery,
    @Headers('if-match') ifMatch: string | undefined,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<UserDto | UserPreviewDto> {
    const caller = { ...where, actor: because(actor, dto.reason) };
    if (dryRun) return this.updates.preview(caller, userId, dto, ifMatch);
    const user = await this.updates.update(caller, userId, dto, ifMatch);
    void reply.header('etag', etagOf(user));
    return user;
  }

  /**
   * Deletes the account with its requests, keys, settings and history. It is gone with this answer; where there is much, its rows go afterwards (job `user-removal`).
   * Where `users.restoreDays` is set it is suspended first and removed after so many days, or when it is deleted once more.
   */
  @Delete(':userId')
  @UserIdParam()
  @AccountOwner()
  @HttpCode(204)
  @Preconditions('optional')
  @Fails(NotFoundProblem, LastAdmin)
  async delete(
    @CurrentActor() actor: Actor,
    @SubjectId() userId: number,
    @Query() { reason }: ReasonQuery,
    @Headers('if-match') ifMatch: string | undefined,
  ): Promise<void> {
    await this.departures.delete(because(actor, reason), userId, ifMatch);
  }

  /** Restores an account that was deleted and is not removed yet: it is what it was. */
  @Post(':userId/restore')
  @UserIdParam()
  @AdminOnly()
  @HttpCode(200)
  @Versioned()
  @Fails(NotFoundProblem, NotDeparting)
  async restore(
    @CurrentActor() actor: Actor,
    @SubjectId() userId: number,
    @Query() { reason }: ReasonQuery,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<UserDto> {
    const user = await this.departures.restore(because(actor, reason), userId);
    void reply.header('etag', etagOf(user));
    return user;
  }
}
