import { type Role } from '../../common/principal';

export class ServiceAccountDto {
  /** The id of its account: its keys are at `/v1/users/{id}/api-keys`, its quota at `/v1/users/{id}/quota`. */
  id: number;
  name: string;
  /** What its keys with the scope `admin` may do. */
  role: Role;
  /** None of its keys works meanwhile. */
  disabled: boolean;
  createdAt: Date;
}

export class ServiceAccountPage {
  items: ServiceAccountDto[];
  /** Null at the end. */
  nextCursor: string | null;
}
