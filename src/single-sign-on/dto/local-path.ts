import { applyDecorators } from '@nestjs/common';
import { ApiProperty } from '@nestjs/swagger';
import { IsOptional, Matches, MaxLength } from 'class-validator';

const MAX_CHARS = 500;
const LOCAL_PATH = /^\/(?![/\\])[\x21\x23-\x5b\x5d-\x7e]*$/;

/** A path of this origin: no browser reads it as the address of another one. */
export const LocalPath = ({ required }: { required: boolean }) =>
  applyDecorators(
    ...(required ? [] : [IsOptional()]),
    Matches(LOCAL_PATH, { message: '$property must be a path of this origin, such as /console/' }),
    MaxLength(MAX_CHARS),
    ApiProperty({ required, maxLength: MAX_CHARS, pattern: LOCAL_PATH.source }),
  );
