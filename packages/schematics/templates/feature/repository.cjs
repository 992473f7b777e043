module.exports = (/** @type {any} */ { Plural, table, titles, owned }) => `import { Injectable } from '@nestjs/common';
import { type EntityManager } from 'typeorm';

@Injectable()
export class ${Plural}Repository {
${
  owned
    ? `  /** Lets those who add ${titles} of one user through one at a time, to the end of their transactions. */
  async lock(tx: EntityManager, userId: number): Promise<void> {
    await tx.query(\`SELECT pg_advisory_xact_lock(hashtext('${table}'), $1)\`, [userId]);
  }

  /** Whether the user has fewer than \`max\`, right under \`lock\`. Counts no further. */
  async hasRoom(tx: EntityManager, userId: number, max: number): Promise<boolean> {
    const [row] = await tx.query<[{ fits: boolean }]>(
      \`SELECT count(*) < $2::integer AS fits FROM (SELECT FROM ${table} WHERE user_id = $1 LIMIT $2::integer) counted\`,
      [userId, max],
    );
    return row.fits;
  }`
    : `  /** Lets those who add ${titles} through one at a time, to the end of their transactions. */
  async lock(tx: EntityManager): Promise<void> {
    await tx.query(\`SELECT pg_advisory_xact_lock(hashtext('${table}'), 0)\`);
  }

  /** Whether there are fewer than \`max\`, right under \`lock\`. Counts no further. */
  async hasRoom(tx: EntityManager, max: number): Promise<boolean> {
    const [row] = await tx.query<[{ fits: boolean }]>(\`SELECT count(*) < $1::integer AS fits FROM (SELECT FROM ${table} LIMIT $1::integer) counted\`, [max]);
    return row.fits;
  }`
}
}
`;
