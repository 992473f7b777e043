import { Injectable, type PipeTransform } from '@nestjs/common';
import { NotFoundProblem } from './problem';

/** The largest `bigint` of PostgreSQL. */
const MAX = 9_223_372_036_854_775_807n;

/** The id of a row that there may be very many of, in the path; anything else names nothing that exists. */
@Injectable()
export class BigIdParam implements PipeTransform<string, string> {
  transform(value: string): string {
    if (!/^[1-9]\d{0,18}$/.test(value) || BigInt(value) > MAX) throw new NotFoundProblem('resource');
    return value;
  }
}
