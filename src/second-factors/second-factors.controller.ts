import { Body, Controller, Delete, HttpCode, Post } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { AccountOwner, CurrentActor, CurrentPrincipal, EnrolsSecondFactor } from '../common/access.decorators';
import { ClientNetwork } from '../common/network-address';
import { type Actor, type Principal } from '../common/principal';
import { NotFoundProblem } from '../http/problem';
import { Fails } from '../openapi/declarations';
import { HashingBusy, TooManyAttempts } from '../passwords/passwords.errors';
import { WrongPassword } from '../users/users.errors';
import { UsersService } from '../users/users.service';
import { NewTotpDto, ProvePasswordDto, RecoveryCodesDto, TotpCodeDto } from './dto/totp.dto';
import { CodeRefused, TotpEnabled, TotpNotBegun } from './second-factors.errors';
import { SecondFactorsService } from './second-factors.service';

@ApiTags('auth')
@Controller('v1/auth/totp')
export class SecondFactorsController {
  constructor(
    private readonly factors: SecondFactorsService,
    private readonly users: UsersService,
  ) {}

  /** Makes the secret of an authenticator app. It counts once `confirm` has seen a code; until then this begins anew. */
  @Post()
  @AccountOwner()
  @EnrolsSecondFactor()
  @HttpCode(200)
  @Fails(WrongPassword, TotpEnabled, NotFoundProblem, TooManyAttempts, HashingBusy)
  async begin(@CurrentPrincipal() { userId }: Principal, @Body() { currentPassword }: ProvePasswordDto, @ClientNetwork() network: string): Promise<NewTotpDto> {
    await this.users.assertOwner(userId, currentPassword, network);
    return this.factors.begin(userId);
  }

  /** Has the second factor count: from now on logging in takes a code as well. */
  @Post('confirm')
  @AccountOwner()
  @EnrolsSecondFactor()
  @HttpCode(200)
  @Fails(CodeRefused, TotpNotBegun, TotpEnabled, NotFoundProblem, TooManyAttempts)
  async confirm(
    @CurrentPrincipal() { userId }: Principal,
    @CurrentActor() actor: Actor,
    @Body() { code }: TotpCodeDto,
    @ClientNetwork() network: string,
  ): Promise<RecoveryCodesDto> {
    return { recoveryCodes: await this.factors.confirm(actor, { userId, network }, code) };
  }

  /** Removes the second factor and its recovery codes. */
  @Delete()
  @AccountOwner()
  @EnrolsSecondFactor()
  @HttpCode(204)
  @Fails(WrongPassword, NotFoundProblem, TooManyAttempts, HashingBusy)
  async remove(
    @CurrentPrincipal() { userId }: Principal,
    @CurrentActor() actor: Actor,
    @Body() { currentPassword }: ProvePasswordDto,
    @ClientNetwork() network: string,
  ): Promise<void> {
    await this.users.assertOwner(userId, currentPassword, network);
    if (!(await this.factors.remove(actor, userId))) throw new NotFoundProblem('second factor');
  }
}
