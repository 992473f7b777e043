import { IsReason } from '../../common/is-reason';

export class DeleteUserConfigurationQuery {
  /** Why; kept in the history. */
  @IsReason()
  reason?: string;
}
