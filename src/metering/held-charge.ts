import { assertUnits } from './price';

/** Units that are held while the work that they pay is done. */
export class HeldCharge {
  private stated: number | undefined;

  /**
   * @param id the request in the ledger
   * @param isOpen whether it is still to be settled; not when an earlier call was charged for the same work and its hold ran out
   * @param headers the fields that an answer bears
   */
  constructor(
    readonly id: string,
    readonly cost: number,
    readonly isOpen: boolean,
    readonly headers: Readonly<Record<string, string>>,
  ) {}

  /** What the work came to; what is held beyond that goes back when it ends. Undefined: all of it. */
  get units(): number | undefined {
    return this.stated;
  }

  /** @throws RangeError for more than is held, or below 0 */
  settle(units: number): void {
    this.stated = assertUnits(units, 0, this.cost);
  }
}
