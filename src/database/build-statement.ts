import { prepared, type PreparedStatement } from './prepared-statements';

/** A part of a statement: `name AS (text)`. Parameters stand in it by name: `:ids`. */
export interface Cte {
  name: string;
  /** Computed once, whoever reads it; a part that writes always is. */
  materialized?: boolean;
  text: string;
}

/** A statement whose parameters have names. */
export interface BuiltStatement extends PreparedStatement {
  /** The values in the order of their numbers. @throws Error for one that is not given */
  values(named: Readonly<Record<string, unknown>>): unknown[];
}

/** Puts a statement together from parts, and numbers its parameters in the order in which they first stand in it. */
export function buildStatement(name: string, ctes: readonly Cte[], select: string, rowMode?: 'array'): BuiltStatement {
  const parts = ctes.map((cte) => `${cte.name} AS ${cte.materialized ? 'MATERIALIZED ' : ''}(${cte.text})`);
  const parameters: string[] = [];
  const text = `WITH ${parts.join(', ')}\n${select}`.replace(/(?<!:):([a-zA-Z]\w*)/g, (_, parameter: string) => {
    if (!parameters.includes(parameter)) parameters.push(parameter);
    return `$${parameters.indexOf(parameter) + 1}`;
  });
  return {
    ...prepared(name, text, rowMode),
    values: (named) =>
      parameters.map((parameter) => {
        if (named[parameter] === undefined) throw new Error(`${name}: no value for :${parameter}`);
        return named[parameter];
      }),
  };
}
