import { ValidateIf } from 'class-validator';

/** The field need not be sent. Unlike with `@IsOptional()`, null is no way to leave it out. */
export const MayBeLeftOut = () => ValidateIf((_, value) => value !== undefined);
