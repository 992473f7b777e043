import { row } from '../support/report.mjs';
import { ServiceProcess } from '../support/service.mjs';

/** From the process's start to its first 200 on `/health/ready`, with the embedded database: the first one ever, and later ones. */
export async function start() {
  const from = performance.now();
  const service = await ServiceProcess.start({ environment: { MIGRATE_ON_START: 'true' } });
  const cold = (performance.now() - from) / 1_000;
  try {
    await service.end();
    const warm = await service.launch();
    return [
      row({
        bench: 'start, first ever',
        figure: 'embedded database made, migrated',
        ratio: cold,
        atMost: 10,
        unit: ' s',
      }),
      row({ bench: 'start, later', figure: 'embedded database there', ratio: warm, atMost: 4, unit: ' s' }),
    ];
  } finally {
    await service.stop();
  }
}
