/** A series that an expression reads: its metric, and the labels that are asked of it. */
export interface Selector {
  metric: string;
  labels: string[];
}

/** Everything that PromQL itself names in our queries: functions, aggregations, keywords. */
const OWN = new Set('sum max min avg count topk rate increase histogram_quantile time absent by without on ignoring and or unless'.split(' '));

/** The series of an expression, and the labels that it groups by. @throws for what is no PromQL of the kind that we write */
export function selectorsOf(expression: string): Selector[] {
  const balanced = [...expression].reduce((depth, c) => depth + Number('([{'.includes(c)) - Number(')]}'.includes(c)), 0);
  if (balanced !== 0) throw new Error(`brackets: ${expression}`);
  const grouped = [...expression.matchAll(/\b(?:by|without)\s*\(([^)]*)\)/g)].flatMap(([, names = '']) => names.split(',').map((name) => name.trim()));
  const rest = expression.replace(/\b(?:by|without)\s*\([^)]*\)/g, '').replace(/\[[^\]]*\]/g, '');
  return [...rest.matchAll(/([a-zA-Z_:][\w:]*)(?:\{([^}]*)\})?(?!\w)/g)]
    .filter(([, name]) => name !== undefined && !OWN.has(name))
    .map(([, metric = '', matchers = '']) => ({
      metric,
      labels: [...[...matchers.matchAll(/(\w+)\s*(?:=~|!~|!=|=)/g)].map(([, label = '']) => label), ...grouped],
    }));
}

/** The labels of each series of a page of metrics, by its name; histograms by the names of their parts. */
export function seriesOf(page: string): Map<string, Set<string>> {
  const series = new Map<string, Set<string>>();
  // A metric may have no series yet.
  for (const [, name = ''] of page.matchAll(/^# TYPE (\w+) (?:gauge|counter)$/gm)) series.set(name, new Set());
  for (const [, name = '', labels = ''] of page.matchAll(/^([a-zA-Z_:][\w:]*)(?:\{([^}]*)\})? /gm)) {
    const known = series.get(name) ?? new Set();
    for (const [, label = ''] of labels.matchAll(/(\w+)="/g)) known.add(label);
    series.set(name, known);
  }
  return series;
}
