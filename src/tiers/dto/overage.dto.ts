import { type ApiPropertyOptions } from '@nestjs/swagger';

/** How far a quota may be gone beyond, in a period. */
export class OverageDto {
  /** Units; left out: as many as there are. */
  max?: number;
}

/** Of a body, in which `assertOverage` checks what is inside. */
export const OVERAGE_SCHEMA: ApiPropertyOptions = {
  type: 'object',
  nullable: true,
  properties: {
    max: { type: 'integer', format: 'int32', minimum: 0, maximum: 2_147_483_647, description: 'Units; left out: as many as there are. Zero: none.' },
  },
  additionalProperties: false,
};
