import { UnavailableProblem } from '../http/problem';
import { type HealthCheckDto } from './dto/readiness.dto';

export class NotReady extends UnavailableProblem {
  static override readonly code = 'not-ready';
  static override readonly members = { checks: { type: 'object', additionalProperties: { $ref: '#/components/schemas/HealthCheckDto' } } };

  constructor(checks: Record<string, HealthCheckDto>) {
    super('This process is not ready to serve.');
    Object.assign(this.getResponse(), { checks });
  }
}
