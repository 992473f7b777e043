export class CloseOutDto {
  /** Users whose day was over and whom this run brought to the present one. */
  closedOut: number;
}
