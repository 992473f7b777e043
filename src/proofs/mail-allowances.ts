import { Injectable } from '@nestjs/common';
import { Allowance } from '../passwords/allowance';

const MINUTE_MS = 60_000;

/**
 * How often mail may be asked for, per replica and in memory. An address gets what its owner needs and no flood: whoever asks too often gets
 * no further mail, but those that came go on working, so that nobody is locked out by what others ask for.
 */
@Injectable()
export class MailAllowances {
  private readonly fromNetwork = new Allowance({ burst: 50, everyMs: 6_000 });
  private readonly toAddressFromNetwork = new Allowance({ burst: 3, everyMs: 10 * MINUTE_MS });
  private readonly toAddress = new Allowance({ burst: 10, everyMs: 5 * MINUTE_MS });
  private readonly ofAccount = new Allowance({ burst: 5, everyMs: 10 * MINUTE_MS });

  /** Whether a stranger to the service may have mail sent to the address; false also when this network asks too often, for whatever address. */
  stranger(network: string, email: string): boolean {
    const address = email.toLowerCase();
    const pair = `${network} ${address}`;
    if (this.toAddressFromNetwork.spend(pair) > 0) return false;
    if (this.fromNetwork.spend(network) > 0) {
      this.toAddressFromNetwork.giveBack(pair);
      return false;
    }
    if (this.toAddress.spend(address) === 0) return true;
    this.fromNetwork.giveBack(network);
    return false;
  }

  /** Nobody has the address, so no mail went: it does not count for the network. */
  giveBack(network: string): void {
    this.fromNetwork.giveBack(network);
  }

  /** The milliseconds until the account's holder may have mail sent to the address; 0: now, and it is counted. */
  holder(userId: number, email: string): number {
    const account = String(userId);
    const waitMs = this.ofAccount.spend(account);
    if (waitMs > 0) return waitMs;
    const addressMs = this.toAddress.spend(email.toLowerCase());
    if (addressMs > 0) this.ofAccount.giveBack(account);
    return addressMs;
  }
}
