import { defineSetting } from '../settings/setting';

export const ReadReplicaSettings = {
  maxStalenessSeconds: defineSetting<number>({
    key: 'reads.maxStalenessSeconds',
    schema: { type: 'integer', minimum: 1, maximum: 300 },
    default: 5,
    unit: 'seconds',
    description:
      'How far behind the server of `DATABASE_READ_URL` may be for lists, usage and exports to be read from it; further behind, they are read from the primary.',
  }),
};
