import { Body, Controller, Delete, Get, Headers, HttpCode, Param, Post, Put, Query, Res } from '@nestjs/common';
import { ApiCreatedResponse, ApiNoContentResponse, ApiOkResponse, ApiTags } from '@nestjs/swagger';
import { type FastifyReply } from 'fastify';
import { ActsForOthers, AdminOnly, CurrentActor, CurrentPrincipal, Scopes } from '../common/access.decorators';
import { type Actor, type Principal } from '../common/principal';
import { DryRunQuery } from '../http/dry-run-query.dto';
import { ListQuery } from '../http/list-query.dto';
import { AnswersEither, Fails, MayBeVersioned, Preconditions, Versioned } from '../openapi/declarations';
import { ConfigurationHistoryPage } from '../settings/dto/configuration-version.dto';
import { ConfigurationDto, ConfigurationPage } from '../settings/dto/configuration.dto';
import { systemEtag } from '../settings/preconditions';
import { ApprovalRequired, SecretUnreadable, UnknownSetting } from '../settings/settings.errors';
import { ConfigurationHistoryService } from './configuration-history.service';
import { ConfigurationPreviewDto } from './dto/configuration-preview.dto';
import { DeleteConfigurationQuery } from './dto/delete-configuration.dto';
import { ListConfigurationsQuery } from './dto/list-configurations.dto';
import { PutConfigurationDto } from './dto/put-configuration.dto';
import { RollbackConfigurationDto } from './dto/rollback-configuration.dto';
import { SystemConfigurationsService } from './system-configurations.service';
import { type Conditions, StatedConditions } from '../http/conditions';

@ApiTags('configurations')
@Controller('v1/configurations')
export class SystemConfigurationsController {
  constructor(
    private readonly configurations: SystemConfigurationsService,
    private readonly versions: ConfigurationHistoryService,
  ) {}

  /** System settings by key: the public ones, or all of them for administrators. */
  @Get()
  @Scopes()
  @ActsForOthers('viewer')
  list(@CurrentPrincipal() principal: Principal, @Query() query: ListConfigurationsQuery): Promise<ConfigurationPage> {
    return this.configurations.list(principal.isAdmin, query);
  }

  /** One system setting. */
  @Get(':key')
  @Scopes()
  @ActsForOthers('viewer')
  @Versioned()
  @Fails(UnknownSetting)
  async get(@CurrentPrincipal() principal: Principal, @Param('key') key: string, @Res({ passthrough: true }) reply: FastifyReply): Promise<ConfigurationDto> {
    const setting = await this.configurations.get(principal.isAdmin, key);
    void reply.header('etag', systemEtag(setting.version));
    return setting;
  }

  /** Creates or replaces a setting; `?dryRun=true` checks it and shows how many users' own values would be out of bounds. */
  @Put(':key')
  @AdminOnly()
  @AnswersEither(ConfigurationDto, ConfigurationPreviewDto)
  @ApiCreatedResponse({ type: ConfigurationDto })
  @Versioned(201)
  @MayBeVersioned(200)
  @Preconditions('required', { creates: true })
  @Fails(ApprovalRequired, SecretUnreadable)
  async put(
    @CurrentActor() actor: Actor,
    @Param('key') key: string,
    @Body() dto: PutConfigurationDto,
    @Query() { dryRun }: DryRunQuery,
    @StatedConditions() conditions: Conditions,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<ConfigurationDto> {
    if (dryRun) return this.configurations.preview(key, dto, conditions);
    const { setting, created } = await this.configurations.put(actor, key, dto, conditions);
    void reply.status(created ? 201 : 200).header('etag', systemEtag(setting.version));
    return setting;
  }

  /** Back to the default; an operator's own key is gone. `?dryRun=true` answers 200 with what would be. */
  @Delete(':key')
  @AdminOnly()
  @HttpCode(204)
  @ApiNoContentResponse()
  @ApiOkResponse({ type: ConfigurationPreviewDto })
  @Preconditions('required')
  @Fails(ApprovalRequired, UnknownSetting)
  async delete(
    @CurrentActor() actor: Actor,
    @Param('key') key: string,
    @Query() { dryRun, reason }: DeleteConfigurationQuery,
    @Headers('if-match') ifMatch: string | undefined,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<ConfigurationPreviewDto | undefined> {
    if (dryRun) {
      void reply.status(200);
      return this.configurations.previewDelete(key, { ifMatch });
    }
    await this.configurations.delete(actor, key, { ifMatch }, reason);
    return undefined;
  }

  /** Every version the setting ever had, newest first; who and why are for administrators. */
  @Get(':key/history')
  @Scopes()
  @ActsForOthers('viewer')
  @Fails(UnknownSetting)
  history(@CurrentPrincipal() principal: Principal, @Param('key') key: string, @Query() query: ListQuery): Promise<ConfigurationHistoryPage> {
    return this.versions.history(principal.isAdmin, key, query);
  }

  /** Makes an earlier version the newest one, as a version of its own; `?dryRun=true` shows whom it would touch. */
  @Post(':key/rollback')
  @AdminOnly()
  @HttpCode(200)
  @AnswersEither(ConfigurationDto, ConfigurationPreviewDto)
  @MayBeVersioned(200)
  @Preconditions('required')
  @Fails(ApprovalRequired, UnknownSetting, SecretUnreadable)
  async rollback(
    @CurrentActor() actor: Actor,
    @Param('key') key: string,
    @Body() dto: RollbackConfigurationDto,
    @Query() { dryRun }: DryRunQuery,
    @Headers('if-match') ifMatch: string | undefined,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<ConfigurationDto> {
    if (dryRun) return this.versions.preview(key, dto, { ifMatch });
    const setting = await this.versions.rollback(actor, key, dto, { ifMatch });
    void reply.header('etag', systemEtag(setting.version));
    return setting;
  }
}
