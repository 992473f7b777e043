import { type Schemas as All } from '../../../client/src/client';

export type Schemas = All;
export type User = All['UserDto'];
export type Quota = All['QuotaDto'];
export type Tier = All['TierDto'];
export type ApiRequest = All['RequestDto'];
