import { Catch } from '@nestjs/common';
import { type FastifyRequest } from 'fastify';
import { FullDisk } from '../common/full-disk';
import { type Problem } from '../http/problem';
import { ProblemFilter } from '../http/problem.filter';
import { RouteTable } from '../http/route-table';
import { Denied } from './gateway.errors';

/** With `?denyStatus=403` every refusal is a 403: nginx passes 401 and 403 on and takes any other status as a fault of ours. */
@Catch()
export class DenialFilter extends ProblemFilter {
  constructor(disk: FullDisk) {
    // Every method and path of the check exists: there is no wrong one to look up.
    super(new RouteTable(), disk);
  }

  protected override toProblem(error: unknown, request: FastifyRequest): Problem {
    const problem = super.toProblem(error, request);
    const { denyStatus } = request.query as { denyStatus?: string | string[] };
    return [denyStatus].flat().includes('403') ? new Denied(problem) : problem;
  }
}
