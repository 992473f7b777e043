import { type OpenAPIObject } from '@nestjs/swagger';
import captured from '../../docs/openapi-examples.json';
import { type Operation } from './operations';

type Content = Record<string, Record<string, unknown>>;

/** Real answers, which tests saw: `npm run openapi:examples` writes them. */
const { answers, problems }: { answers: Record<string, unknown>; problems: Record<string, unknown> } = captured;

/** Shows with each answer that went well what one looks like. */
export function renderAnswerExamples(document: OpenAPIObject): void {
  for (const operation of Object.values(document.paths).flatMap((item) => Object.values(item) as Operation[])) {
    for (const [status, { content }] of Object.entries(operation.responses)) {
      const example = answers[`${operation.operationId as string} ${status}`];
      if (content && example !== undefined)
        // They are JSON; other media types of an answer are texts.
        for (const [type, media] of Object.entries(content as Content)) if (/[/+]json$/.test(type)) media.example = example;
    }
  }
}

/** The examples of those problems that one was seen of, by their codes. */
export function problemExamples(codes: readonly (string | null)[]): { examples?: Record<string, object> } {
  const seen = [...new Set(codes)].filter((code): code is string => code !== null && code in problems);
  return seen.length === 0 ? {} : { examples: Object.fromEntries<object>(seen.map((code) => [code, { $ref: `#/components/examples/${code}` }])) };
}

/** What the references lead to. */
export function exampleComponents(): Record<string, object> {
  return Object.fromEntries(Object.entries(problems).map(([code, value]) => [code, { value }]));
}
