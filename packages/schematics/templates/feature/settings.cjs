module.exports = (/** @type {any} */ { many, Plural, titles, owned }) => `import { defineSetting } from '../settings/setting';

export const ${Plural}Settings = {
  ${owned ? 'maxPerUser' : 'max'}: defineSetting<number>({
    key: '${many}.${owned ? 'maxPerUser' : 'max'}',
    schema: { type: 'integer', minimum: 1, maximum: 100_000 },
    default: 1_000,
    unit: '${titles}',
    description: 'How many ${titles} ${owned ? 'a user may have' : 'there may be'}.',
    visibility: 'public',
  }),
};
`;
