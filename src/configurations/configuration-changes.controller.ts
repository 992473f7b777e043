import { Body, Controller, Get, HttpCode, Param, Post, Query, Res } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { type FastifyReply } from 'fastify';
import { AdminOnly, CurrentActor, OperatorsOnly } from '../common/access.decorators';
import { type Actor } from '../common/principal';
import { SecretUnreadable, UnknownSetting } from '../settings/settings.errors';
import { IdParam } from '../http/id-param.pipe';
import { NotFoundProblem } from '../http/problem';
import { type IdempotentCall, MaybeRetried } from '../idempotency/idempotency-key';
import { Creates, Fails, Preconditions } from '../openapi/declarations';
import { ChangeEnded, OwnChange } from './configuration-changes.errors';
import { ConfigurationChangesService } from './configuration-changes.service';
import { ListChangesQuery, ListKeyChangesQuery } from './dto/list-changes.dto';
import { ProposeChangeDto } from './dto/propose-change.dto';
import { ProposedChangeDto, ProposedChangePage } from './dto/proposed-change.dto';
import { WithdrawChangeQuery } from './dto/withdraw-change.dto';
import { type Conditions, StatedConditions } from '../http/conditions';

/** What the header of an answer with a new change bears. */
const made = ({ key, id }: ProposedChangeDto) => ({ location: `/v1/configurations/${key}/changes/${id}` });

@ApiTags('configurations')
@Controller('v1')
export class ConfigurationChangesController {
  constructor(private readonly changes: ConfigurationChangesService) {}

  /** Proposed changes of all settings, newest first; `?status=proposed` are those that wait for an approval. */
  @Get('configuration-changes')
  @OperatorsOnly('viewer')
  @Fails(UnknownSetting)
  list(@Query() query: ListChangesQuery): Promise<ProposedChangePage> {
    return this.changes.list(query);
  }

  /** Proposed changes of one setting, newest first. */
  @Get('configurations/:key/changes')
  @OperatorsOnly('viewer')
  @Fails(UnknownSetting)
  listOfKey(@Param('key') key: string, @Query() query: ListKeyChangesQuery): Promise<ProposedChangePage> {
    return this.changes.list({ ...query, key });
  }

  /**
   * Proposes a change of the setting, for an instant, for another administrator's approval, or for both. It is on top of the
   * version that `If-Match` names, and never takes effect on top of another.
   */
  @Post('configurations/:key/changes')
  @AdminOnly()
  @Creates(ProposedChangeDto)
  @Preconditions('required', { creates: true })
  @Fails(UnknownSetting, SecretUnreadable)
  async propose(
    @CurrentActor() actor: Actor,
    @Param('key') key: string,
    @Body() dto: ProposeChangeDto,
    @StatedConditions() conditions: Conditions,
    @MaybeRetried('configuration-changes.propose', made) call: IdempotentCall | null,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<ProposedChangeDto> {
    const change = await this.changes.propose(actor, key, dto, conditions, call);
    void reply.headers(made(change));
    return change;
  }

  /** One proposed change. */
  @Get('configurations/:key/changes/:changeId')
  @OperatorsOnly('viewer')
  @Fails(NotFoundProblem)
  get(@Param('key') key: string, @Param('changeId', IdParam) changeId: number): Promise<ProposedChangeDto> {
    return this.changes.get(key, changeId);
  }

  /** Approves another administrator's change: in force at once, or at its instant. */
  @Post('configurations/:key/changes/:changeId/approve')
  @AdminOnly()
  @Fails(NotFoundProblem, OwnChange, ChangeEnded)
  @HttpCode(200)
  approve(@CurrentActor() actor: Actor, @Param('key') key: string, @Param('changeId', IdParam) changeId: number): Promise<ProposedChangeDto> {
    return this.changes.approve(actor, key, changeId);
  }

  /** Takes a change back, or refuses it, before it is in force. */
  @Post('configurations/:key/changes/:changeId/withdraw')
  @AdminOnly()
  @Fails(NotFoundProblem, ChangeEnded)
  @HttpCode(200)
  withdraw(
    @CurrentActor() actor: Actor,
    @Param('key') key: string,
    @Param('changeId', IdParam) changeId: number,
    @Query() { reason }: WithdrawChangeQuery,
  ): Promise<ProposedChangeDto> {
    return this.changes.withdraw(actor, key, changeId, reason);
  }
}
