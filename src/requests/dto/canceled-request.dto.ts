import { RequestDto } from './request.dto';

export class CanceledRequestDto extends RequestDto {
  /** Units that this cancel gave back. */
  refunded: number;
}
