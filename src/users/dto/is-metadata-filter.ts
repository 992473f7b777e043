import { ValidateBy } from 'class-validator';

const MAX_MEMBERS = 3;
const MAX_TEXT = 255;

/** One to three names with a text each. */
export const IsMetadataFilter = () =>
  ValidateBy({
    name: 'isMetadataFilter',
    validator: {
      validate: isMetadataFilter,
      defaultMessage: () => `metadata must be written as metadata[name]=value, for at most ${MAX_MEMBERS} names, with texts of at most ${MAX_TEXT} characters`,
    },
  });

function isMetadataFilter(value: unknown): boolean {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  const members = Object.entries(value);
  return (
    members.length >= 1 &&
    members.length <= MAX_MEMBERS &&
    members.every(([name, text]) => name.length <= MAX_TEXT && typeof text === 'string' && text.length <= MAX_TEXT)
  );
}
