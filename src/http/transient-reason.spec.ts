import { transientReason } from './transient-reason';

/** As pg reports it. */
const failure = (code?: string) => Object.assign(new Error('as the server has it'), { code });

describe('the line that is logged of a database that cannot serve', () => {
  it.each([
    ['28P01', 'the database refuses our role or its password'],
    ['28000', 'the database refuses our role or its password'],
    ['3D000', 'the server does not have our database'],
    ['53100', 'the database has no room on its disk'],
    ['53300', 'the database has no connection left for us'],
    ['57P01', 'the database was not there'],
    ['57P03', 'the database was not there'],
    ['08006', 'the database was not there'],
    ['ECONNREFUSED', 'the database was not there'],
    ['57014', 'the database did not answer in time or was not there'],
    [undefined, 'the database did not answer in time or was not there'],
  ])('has a reason of its own for %s', (code, line) => {
    expect(transientReason(failure(code))).toBe(line);
  });
});
