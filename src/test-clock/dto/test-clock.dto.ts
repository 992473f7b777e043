export class TestClockDto {
  /** What the clock shows, for all that the service decides by time. */
  now: Date;
  /** The true time. */
  trueNow: Date;
}
