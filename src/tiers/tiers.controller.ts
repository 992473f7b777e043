import { Body, Controller, Delete, Get, Headers, HttpCode, Param, Patch, Post, Query, Res } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { type FastifyReply } from 'fastify';
import { ReasonQuery } from '../audit/dto/reason.dto';
import { AdminOnly, CurrentActor, Public } from '../common/access.decorators';
import { type Actor, because } from '../common/principal';
import { etagOf } from '../http/etag';
import { ListQuery } from '../http/list-query.dto';
import { NotFoundProblem } from '../http/problem';
import { type IdempotentCall, MaybeRetried } from '../idempotency/idempotency-key';
import { Creates, Fails, Preconditions, Versioned } from '../openapi/declarations';
import { CreateTierDto } from './dto/create-tier.dto';
import { TierDto, TierPage } from './dto/tier.dto';
import { UpdateTierDto } from './dto/update-tier.dto';
import { TierInUse, TierNameTaken } from './tiers.errors';
import { TiersService } from './tiers.service';

/** What the header of an answer with a new plan bears. */
const made = (tier: TierDto) => ({ etag: etagOf(tier), location: `/v1/tiers/${tier.id}` });

@ApiTags('tiers')
@Controller('v1/tiers')
export class TiersController {
  constructor(private readonly tiers: TiersService) {}

  /** The plans, in their order. */
  @Get()
  @Public()
  list(@Query() query: ListQuery): Promise<TierPage> {
    return this.tiers.list(query);
  }

  /** One plan, by id or name. */
  @Get(':tierId')
  @Public()
  @Versioned()
  @Fails(NotFoundProblem)
  async get(@Param('tierId') tierId: string, @Res({ passthrough: true }) reply: FastifyReply): Promise<TierDto> {
    const tier = await this.tiers.get(tierId);
    void reply.header('etag', etagOf(tier));
    return tier;
  }

  /** Makes a plan. */
  @Post()
  @AdminOnly()
  @Creates(TierDto, { etag: true })
  @Fails(TierNameTaken)
  async create(
    @CurrentActor() actor: Actor,
    @Body() dto: CreateTierDto,
    @MaybeRetried('tiers.create', made) call: IdempotentCall | null,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<TierDto> {
    const tier = await this.tiers.create(because(actor, dto.reason), dto, call);
    void reply.headers(made(tier));
    return tier;
  }

  /** Changes a plan, at once for all its users however many they are. A name that it had is free for others a moment later. */
  @Patch(':tierId')
  @AdminOnly()
  @Versioned()
  @Preconditions('optional')
  @Fails(NotFoundProblem, TierNameTaken, TierInUse)
  async update(
    @CurrentActor() actor: Actor,
    @Param('tierId') tierId: string,
    @Body() dto: UpdateTierDto,
    @Headers('if-match') ifMatch: string | undefined,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<TierDto> {
    const tier = await this.tiers.update(because(actor, dto.reason), tierId, dto, ifMatch);
    void reply.header('etag', etagOf(tier));
    return tier;
  }

  /** Removes a plan that nobody is on. */
  @Delete(':tierId')
  @AdminOnly()
  @HttpCode(204)
  @Preconditions('optional')
  @Fails(NotFoundProblem, TierInUse)
  async delete(
    @CurrentActor() actor: Actor,
    @Param('tierId') tierId: string,
    @Query() { reason }: ReasonQuery,
    @Headers('if-match') ifMatch: string | undefined,
  ): Promise<void> {
    await this.tiers.delete(because(actor, reason), tierId, ifMatch);
  }
}
