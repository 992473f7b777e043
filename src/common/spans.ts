/** Where a span stands, for others to link to. Only who makes spans knows what is in it. */
export type SpanPlace = object;

/** What a span bears. Never a secret, and nothing that a caller wrote. */
export type SpanFields = Record<string, string | number | boolean>;

/** Adds what is known once the work is done. */
export type Note = (fields: SpanFields) => void;

/** Links the span to others that are known once the work is done. */
export type LinkTo = (places: readonly SpanPlace[]) => void;

/** Links the span to others that are found after the work is done: its end is noted then, and it is handed on once they are there. */
export type LinkLater = (find: () => Promise<readonly SpanPlace[]>) => void;

/** Where the submit of a request stands. */
export interface Origin {
  /** The request's. */
  id: string;
  /** As W3C has it. */
  traceparent: string;
}

export interface SpanOptions {
  fields?: SpanFields;
  /** Other spans that it has to do with. */
  links?: readonly SpanPlace[];
  /** Begins a trace of its own. */
  apart?: boolean;
}

/** What makes spans. An error that leaves the work marks its span as failed, by its name alone. */
export interface Spans {
  /** Runs the work in a span below the one that is under way. */
  run: <T>(name: string, options: SpanOptions, work: (note: Note, link: LinkTo, linkLater: LinkLater) => Promise<T>) => Promise<T>;
  /**
   * The same for work that several have in common: below the first whose trace is recorded, with links to all, and from each to it.
   *
   * @param places of those who share it, as `place()` gave them
   */
  shared: <T>(name: string, fields: SpanFields, places: readonly (SpanPlace | undefined)[], work: () => Promise<T>) => Promise<T>;
  /** The span that is under way, if it is recorded. */
  place: () => SpanPlace | undefined;
  /** Keeps in mind that the request of this id was made by the span that is under way. */
  remember: (id: string) => void;
  /** What made the request of this id, as far as this process knows. */
  recall: (id: unknown) => SpanPlace[];
  /** What was remembered since this was asked last, for other processes; bounded. */
  unwritten: () => Origin[];
  /** What another process wrote; nothing where it is no such text. */
  placeAt: (traceparent: string) => SpanPlace[];
  /** Resolves once no span waits for what it links to. */
  settled: () => Promise<void>;
  /** What a line that is logged now bears of the span that is under way. */
  logFields: () => object | undefined;
}

/** Null unless tracing is on: all that the hot path looks at. Set once, before the first call. */
export const tracing: { spans: Spans | null } = { spans: null };
