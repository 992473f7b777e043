import { Body, Controller, Delete, Get, Headers, HttpCode, Param, Post, Put, Query, Res } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { type FastifyReply } from 'fastify';
import { AdminOnly, CurrentActor, CurrentPrincipal, Scopes } from '../common/access.decorators';
import { DryRunQuery } from '../common/dry-run-query.dto';
import { ListQuery } from '../common/list-query.dto';
import { type Actor, type Principal } from '../common/principal';
import { ConfigurationDto, ConfigurationPage } from './dto/configuration.dto';
import { ConfigurationHistoryPage } from './dto/configuration-version.dto';
import { ListConfigurationsQuery } from './dto/list-configurations.dto';
import { PutConfigurationDto } from './dto/put-configuration.dto';
import { RollbackConfigurationDto } from './dto/rollback-configuration.dto';
import { systemEtag, SystemConfigurationsService } from './system-configurations.service';

@ApiTags('configurations')
@Controller('v1/configurations')
export class SystemConfigurationsController {
  constructor(private readonly configurations: SystemConfigurationsService) {}

  /** System settings by key: the public ones, or all of them for administrators. */
  @Get()
  @Scopes('configurations:read')
  list(@CurrentPrincipal() principal: Principal, @Query() query: ListConfigurationsQuery): Promise<ConfigurationPage> {
    return this.configurations.list(principal.isAdmin, query);
  }

  @Get(':key')
  @Scopes('configurations:read')
  async get(
    @CurrentPrincipal() principal: Principal,
    @Param('key') key: string,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<ConfigurationDto> {
    const setting = await this.configurations.get(principal.isAdmin, key);
    void reply.header('etag', systemEtag(setting.version));
    return setting;
  }

  /** Creates or replaces a setting; `?dryRun=true` checks it and tells how many users' own values would be out of bounds. */
  @Put(':key')
  @AdminOnly()
  async put(
    @CurrentActor() actor: Actor,
    @Param('key') key: string,
    @Body() dto: PutConfigurationDto,
    @Query() { dryRun }: DryRunQuery,
    @Headers('if-match') ifMatch: string | undefined,
    @Headers('if-none-match') ifNoneMatch: string | undefined,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<ConfigurationDto> {
    if (dryRun) return this.configurations.preview(key, dto);
    const setting = await this.configurations.put(actor, key, dto, { ifMatch, ifNoneMatch });
    void reply.status(setting.version === 1 ? 201 : 200).header('etag', systemEtag(setting.version));
    return setting;
  }

  /** Back to the default; an operator's own key is gone. */
  @Delete(':key')
  @AdminOnly()
  @HttpCode(204)
  async delete(
    @CurrentActor() actor: Actor,
    @Param('key') key: string,
    @Headers('if-match') ifMatch: string | undefined,
  ): Promise<void> {
    await this.configurations.delete(actor, key, { ifMatch });
  }

  /** Every version the setting ever had, newest first. */
  @Get(':key/history')
  @AdminOnly()
  history(@Param('key') key: string, @Query() query: ListQuery): Promise<ConfigurationHistoryPage> {
    return this.configurations.history(key, query);
  }

  /** Makes an earlier version the newest one. */
  @Post(':key/rollback')
  @AdminOnly()
  @HttpCode(200)
  async rollback(
    @CurrentActor() actor: Actor,
    @Param('key') key: string,
    @Body() { version, reason }: RollbackConfigurationDto,
    @Headers('if-match') ifMatch: string | undefined,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<ConfigurationDto> {
    const setting = await this.configurations.rollback(actor, key, version, { ifMatch }, reason);
    void reply.header('etag', systemEtag(setting.version));
    return setting;
  }
}
