import { Body, Controller, HttpCode, Post, Req } from '@nestjs/common';
import { ApiAcceptedResponse, ApiTags } from '@nestjs/swagger';
import { type FastifyRequest } from 'fastify';
import { AccountOwner, BoundedOtherwise, CurrentPrincipal, Public } from '../common/access.decorators';
import { ClientNetwork } from '../common/network-address';
import { type Principal } from '../common/principal';
import { Fails } from '../openapi/declarations';
import { HashingBusy, TooManyAttempts } from '../passwords/passwords.errors';
import { TokenRefused } from '../proofs/proofs.errors';
import { EmailTaken } from '../users/users.errors';
import { ForgotPasswordDto } from './dto/forgot-password.dto';
import { ResetPasswordDto } from './dto/reset-password.dto';
import { VerifyEmailDto } from './dto/verify-email.dto';
import { EmailVerificationService } from './email-verification.service';
import { PasswordResetService } from './password-reset.service';

@ApiTags('auth')
@Controller('v1/auth')
export class IdentityController {
  constructor(
    private readonly verification: EmailVerificationService,
    private readonly passwords: PasswordResetService,
  ) {}

  /** Sends the mail that proves the caller's address, or the one that waits to become it. The same answer where there is nothing to prove or it was sent too often. */
  @Post('email/verification')
  @AccountOwner()
  @HttpCode(202)
  @ApiAcceptedResponse({ description: 'The mail is on its way, if there is an address to prove.' })
  async sendVerification(@CurrentPrincipal() { userId }: Principal): Promise<void> {
    await this.verification.send(userId);
  }

  /** Proves an address by the token that was mailed there; one that waited becomes the account's. A token works once, within 24 hours. */
  @Post('email/verify')
  @BoundedOtherwise()
  @Public()
  @HttpCode(204)
  @Fails(TokenRefused, EmailTaken)
  async verify(@Body() { token }: VerifyEmailDto, @Req() { id }: FastifyRequest): Promise<void> {
    await this.verification.verify(token, id);
  }

  /** Mails a link to set a new password with. The same answer, as soon, whether there is such an account or not. */
  @Post('password/forgot')
  @BoundedOtherwise()
  @Public()
  @HttpCode(202)
  @ApiAcceptedResponse({ description: 'The mail is on its way, if there is such an account.' })
  forgot(@Req() { id }: FastifyRequest, @Body() { email }: ForgotPasswordDto, @ClientNetwork() network: string): void {
    this.passwords.forgot(email, network, id);
  }

  /** Sets a new password by the token that was mailed, and ends all sessions. A token works once, within an hour. */
  @Post('password/reset')
  @BoundedOtherwise()
  @Public()
  @HttpCode(204)
  @Fails(TokenRefused, TooManyAttempts, HashingBusy)
  async reset(@Body() dto: ResetPasswordDto, @Req() { id }: FastifyRequest): Promise<void> {
    await this.passwords.reset(dto, id);
  }
}
