import { Injectable } from '@nestjs/common';
import { Environment } from '../config/environment';
import { SettingsService } from '../settings/settings.service';
import { MailSettings } from './mail.settings';

/** Where links lead that this service hands out. */
@Injectable()
export class LinkBase {
  constructor(
    private readonly settings: SettingsService,
    private readonly environment: Environment,
  ) {}

  /** Without a slash at its end. Unless an operator names the public address, it is that of this process as its own machine reaches it. */
  get value(): string {
    const base = this.settings.get(MailSettings.linkBase);
    const { PORT, basePath } = this.environment;
    return base === MailSettings.linkBase.default && PORT > 0 ? `http://localhost:${PORT}${basePath}` : base.replace(/\/+$/, '');
  }
}
