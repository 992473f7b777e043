import { Controller, Delete, Get, HttpCode, Param, Query } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { ReasonQuery } from '../audit/dto/reason.dto';
import { AccountOwner, CurrentActor, CurrentPrincipal } from '../common/access.decorators';
import { type Actor, because, type Principal } from '../common/principal';
import { NotFoundProblem } from '../http/problem';
import { SubjectId, UserIdParam } from '../http/subject.decorator';
import { Fails } from '../openapi/declarations';
import { IdentitiesDto } from './dto/identity.dto';
import { IdentityLinksService } from './identity-links.service';
import { LastWayIn } from './single-sign-on.errors';

@ApiTags('auth')
@UserIdParam()
@Fails(NotFoundProblem)
@Controller('v1/users/:userId/identities')
export class IdentitiesController {
  constructor(private readonly links: IdentityLinksService) {}

  /** The identities at providers that are the user's. */
  @Get()
  @AccountOwner()
  list(@SubjectId() userId: number): Promise<IdentitiesDto> {
    return this.links.list(userId);
  }

  /** Unlinks one: it logs in to this account no more. Sessions that it began go on until they are ended; tokens of programs are known for up to a minute. */
  @Delete(':identityId')
  @AccountOwner()
  @HttpCode(204)
  @Fails(LastWayIn)
  async unlink(
    @CurrentPrincipal() principal: Principal,
    @CurrentActor() actor: Actor,
    @SubjectId() userId: number,
    @Param('identityId') identityId: string,
    @Query() { reason }: ReasonQuery,
  ): Promise<void> {
    await this.links.unlink(because(actor, reason), userId, identityId, principal.userId === userId);
  }
}
