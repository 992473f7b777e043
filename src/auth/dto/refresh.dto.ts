import { IsString, MaxLength, MinLength } from 'class-validator';
import { MayBeLeftOut } from '../../common/may-be-left-out';

export class RefreshDto {
  /** Left out: the one in the session's cookie. */
  @MayBeLeftOut()
  @IsString()
  @MinLength(1)
  @MaxLength(200)
  refreshToken?: string;
}
