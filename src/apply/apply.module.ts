import { Module } from '@nestjs/common';
import { ConfigurationsModule } from '../configurations/configurations.module';
import { TiersModule } from '../tiers/tiers.module';
import { WebhooksModule } from '../webhooks/webhooks.module';
import { ApplyService } from './apply.service';
import { DeclaredTiers } from './declared-tiers.service';
import { DeclaredWebhooks } from './declared-webhooks.service';

@Module({
  imports: [ConfigurationsModule, TiersModule, WebhooksModule],
  providers: [ApplyService, DeclaredTiers, DeclaredWebhooks],
})
export class ApplyModule {}
