import { Transform } from 'class-transformer';

/** A variable that is `true` or `false`; anything else stays as it is, for `@IsBoolean()` to refuse. */
export const Flag = () =>
  Transform(({ obj, key }) => {
    const raw = (obj as Record<string, unknown>)[key];
    return raw === 'true' ? true : raw === 'false' ? false : raw;
  });
