import { Body, Controller, Delete, Get, Headers, HttpCode, Param, Put, Query, Res } from '@nestjs/common';
import { ApiOkResponse, ApiTags } from '@nestjs/swagger';
import { type FastifyReply } from 'fastify';
import { ActsForOthers, CurrentActor, Scopes } from '../common/access.decorators';
import { type Actor } from '../common/principal';
import { ListQuery } from '../http/list-query.dto';
import { NotFoundProblem } from '../http/problem';
import { SubjectId, UserIdParam } from '../http/subject.decorator';
import { Fails, Preconditions, Versioned } from '../openapi/declarations';
import { ConfigurationHistoryPage } from '../settings/dto/configuration-version.dto';
import { UserConfigurationDto, UserConfigurationPage } from '../settings/dto/configuration.dto';
import { NotOverridable, TooManyOwnKeys, UnknownSetting } from '../settings/settings.errors';
import { DeleteUserConfigurationQuery } from './dto/delete-user-configuration.dto';
import { PutUserConfigurationDto } from './dto/put-user-configuration.dto';
import { EffectiveSettings } from './effective-settings.service';
import { UserConfigurationsService } from './user-configurations.service';
import { type Conditions, StatedConditions } from '../http/conditions';

@ApiTags('configurations')
@UserIdParam()
@Fails(NotFoundProblem)
@Controller('v1/users/:userId/configurations')
export class UserConfigurationsController {
  constructor(
    private readonly configurations: UserConfigurationsService,
    private readonly effective: EffectiveSettings,
  ) {}

  /** The public settings as they are for the user, each with its source. */
  @Get()
  @Scopes('configurations:read')
  @ActsForOthers('viewer')
  @ApiOkResponse({ type: UserConfigurationPage })
  async list(@SubjectId() userId: number, @Query() query: ListQuery, @Res() reply: FastifyReply): Promise<void> {
    void reply.header('content-type', 'application/json; charset=utf-8').send(await this.effective.list(userId, query));
  }

  /** One setting as it is for the user, with its source. */
  @Get(':key')
  @Scopes('configurations:read')
  @ActsForOthers('viewer')
  @Versioned()
  @Fails(UnknownSetting)
  async get(@SubjectId() userId: number, @Param('key') key: string, @Res({ passthrough: true }) reply: FastifyReply): Promise<UserConfigurationDto> {
    const { setting, etag } = await this.configurations.get(userId, key);
    void reply.header('etag', etag);
    return setting;
  }

  /** The user's own value, within the setting's bounds. */
  @Put(':key')
  @Scopes('configurations:write')
  @Versioned()
  @Preconditions('required', { creates: true })
  @Fails(UnknownSetting, NotOverridable, TooManyOwnKeys)
  async put(
    @CurrentActor() actor: Actor,
    @SubjectId() userId: number,
    @Param('key') key: string,
    @Body() dto: PutUserConfigurationDto,
    @StatedConditions() conditions: Conditions,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<UserConfigurationDto> {
    const { setting, etag } = await this.configurations.put(actor, userId, key, dto, conditions);
    void reply.header('etag', etag);
    return setting;
  }

  /** Back to the inherited value. */
  @Delete(':key')
  @Scopes('configurations:write')
  @HttpCode(204)
  @Preconditions('required')
  @Fails(UnknownSetting)
  async delete(
    @CurrentActor() actor: Actor,
    @SubjectId() userId: number,
    @Param('key') key: string,
    @Query() { reason }: DeleteUserConfigurationQuery,
    @Headers('if-match') ifMatch: string | undefined,
  ): Promise<void> {
    await this.configurations.delete(actor, userId, key, { ifMatch }, reason);
  }

  /** The user's own values for the key, newest first. */
  @Get(':key/history')
  @Scopes('configurations:read')
  @ActsForOthers('viewer')
  @Fails(UnknownSetting)
  history(@SubjectId() userId: number, @Param('key') key: string, @Query() query: ListQuery): Promise<ConfigurationHistoryPage> {
    return this.configurations.history(userId, key, query);
  }
}
