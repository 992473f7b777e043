import { ApplyService } from '../../apply/apply.service';
import { type ServiceChange } from '../../apply/change';
import { type ServiceDocument } from '../../apply/service-document';
import { sameJson } from '../../common/json-diff';
import { StartupError } from '../../config/startup-error';
import { confirm } from '../confirm';
import { placeOfDatabase } from '../place-of-database';
import { linesOf } from '../shown-changes';
import { COMMAND, withApp } from '../with-app';

interface Options {
  dryRun?: boolean;
  prune?: boolean;
  reason: string;
  json?: boolean;
  yes?: boolean;
}

/** Shows what changes, asks, and does exactly that. Returns the changes. @throws ValidationProblem, StartupError */
export async function applyDocument(
  document: ServiceDocument,
  { dryRun = false, prune = false, reason, json = false, yes }: Options,
): Promise<ServiceChange[]> {
  const place = await placeOfDatabase();
  return withApp(async (app) => {
    const service = app.get(ApplyService);
    const planned = await service.plan(COMMAND, document, { prune, reason });
    if (!json) process.stdout.write(describe(planned, dryRun));
    if (dryRun || planned.length === 0) return planned.map(withoutSecret);
    await confirm(`apply changes ${planned.length} plans, settings or endpoints in ${place}.`, yes);
    const changes = await service.apply(COMMAND, document, { prune, reason }, (made) => {
      if (sameJson(made.map(withoutSecret), planned.map(withoutSecret))) return;
      throw new StartupError('somebody changed something since the plan was made: nothing was done. Run it again.');
    });
    if (!json) process.stdout.write('Done.\n');
    return changes;
  });
}

function describe(changes: ServiceChange[], dryRun: boolean): string {
  if (changes.length === 0) return 'Nothing to change.\n';
  const isColoured = process.stdout.isTTY && !process.env.NO_COLOR;
  const lines = changes.flatMap(({ kind, name, ...change }) => linesOf({ title: `${kind} ${name}`, ...change }, isColoured));
  return `${lines.join('\n')}\n${changes.length} ${dryRun ? 'would change' : 'to change'}.\n`;
}

/** A secret that was made and taken back is nobody's. */
function withoutSecret({ secret: _, ...change }: ServiceChange): ServiceChange {
  return change;
}
