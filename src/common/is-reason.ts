import { applyDecorators } from '@nestjs/common';
import { ApiPropertyOptional } from '@nestjs/swagger';
import { IsOptional, IsString, MaxLength } from 'class-validator';

const MAX_CHARS = 500;

/** Why somebody does something, which may be left out: what the audit log or the history keeps. */
export const IsReason = () => applyDecorators(IsOptional(), IsString(), MaxLength(MAX_CHARS), ApiPropertyOptional({ maxLength: MAX_CHARS }));
