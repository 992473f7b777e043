import { buildStatement } from './build-statement';

describe('a statement put together from parts', () => {
  const statement = buildStatement(
    'example',
    [
      { name: 'item', materialized: true, text: 'SELECT * FROM unnest(:ids::integer[]) AS id' },
      { name: 'known', text: 'SELECT id FROM item WHERE id < :max AND id = ANY (:ids)' },
    ],
    'SELECT id::text FROM known LIMIT :max',
  );

  it('numbers its parameters as they come, the same name with the same number, and leaves casts alone', () => {
    expect(statement.text).toBe(
      'WITH item AS MATERIALIZED (SELECT * FROM unnest($1::integer[]) AS id), known AS (SELECT id FROM item WHERE id < $2 AND id = ANY ($1))\nSELECT id::text FROM known LIMIT $2',
    );
  });

  it('gives the values by their numbers, and refuses to leave one out', () => {
    expect(statement.values({ max: 7, ids: [1, 2], other: 3 })).toEqual([[1, 2], 7]);
    expect(() => statement.values({ ids: [] })).toThrow('no value for :max');
  });
});
