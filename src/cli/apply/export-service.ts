import { DataSource } from 'typeorm';
import { DeclaredTiers } from '../../apply/declared-tiers.service';
import { DeclaredWebhooks } from '../../apply/declared-webhooks.service';
import { dumped } from '../../configurations/settings-document';
import { SettingsExportService } from '../../configurations/settings-export.service';
import { withApp } from '../with-app';

const HEADER = `# Plans, settings and webhook endpoints, by \`quotidian config:export --all\`; \`quotidian apply -f\` takes them back.
# Secrets are here without their values: they stay as they are, or come from the variable that \`valueFromEnv\` names.
`;

/** Everything that `apply` makes so, as YAML. */
export function exportService(): Promise<string> {
  return withApp(async (app) => {
    const tx = app.get(DataSource).manager;
    const tiers = await app.get(DeclaredTiers).export(tx);
    const settings = await app.get(SettingsExportService).export();
    const webhooks = await app.get(DeclaredWebhooks).export(tx);
    return HEADER + dumped({ tiers: Object.fromEntries(tiers), settings: Object.fromEntries(settings), webhooks: Object.fromEntries(webhooks) });
  });
}
