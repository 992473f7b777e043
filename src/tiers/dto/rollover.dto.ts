import { ApiProperty, type ApiPropertyOptions } from '@nestjs/swagger';
import { MAX_INTEGER } from '../../common/limits';

/** What of a day's unused units its user keeps, as a grant. */
export class RolloverDto {
  /** Units of one day, at most; left out: all of them. */
  max?: number;
  /** Of the unused units, above 0 and up to 1; left out: all of them. Rounded down. */
  @ApiProperty({ type: 'number', format: 'double', minimum: 0, maximum: 1 })
  share?: number;
  /** For how many days after that day. */
  days: number;
}

/** Of a body, in which `assertRollover` checks what is inside. */
export const ROLLOVER_SCHEMA: ApiPropertyOptions = {
  type: 'object',
  nullable: true,
  selfRequired: false,
  properties: {
    max: { type: 'integer', format: 'int32', minimum: 1, maximum: MAX_INTEGER, description: 'Units of one day, at most; left out: all of them.' },
    share: { type: 'number', format: 'double', minimum: 0, maximum: 1, description: 'Of the unused units, above 0; left out: all of them. Rounded down.' },
    days: { type: 'integer', format: 'int32', minimum: 1, maximum: 31, description: 'For how many days after that day.' },
  },
  required: ['days'],
  additionalProperties: false,
};
