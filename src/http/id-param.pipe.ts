import { Injectable, type PipeTransform } from '@nestjs/common';
import { MAX_INTEGER } from '../common/limits';
import { NotFoundProblem } from './problem';

/** An integer id in the path; anything else names nothing that exists. */
@Injectable()
export class IdParam implements PipeTransform<string, number> {
  transform(value: string): number {
    const id = /^[1-9]\d{0,9}$/.test(value) ? Number(value) : NaN;
    if (!(id <= MAX_INTEGER)) throw new NotFoundProblem('resource');
    return id;
  }
}
