interface Route {
  parts: string[];
  methods: Set<string>;
}

/** The routes that exist, to distinguish a wrong method from a wrong path. */
export class RouteTable {
  private readonly routes = new Map<string, Route>();

  /** The root is no resource: browsers are led elsewhere from there, and everybody else finds nothing. */
  add(path: string, methods: string | readonly string[]): void {
    if (path.includes('*') || path === '/') return;
    const route = this.routes.get(path) ?? { parts: path.split('/'), methods: new Set() };
    this.routes.set(path, route);
    for (const method of [methods].flat()) route.methods.add(method);
  }

  /** The methods that the path of this URL takes; none when there is no such path. */
  allowed(url: string): string[] {
    const parts = (url.split('?', 1)[0] as string).split('/');
    const methods = [...this.routes.values()].flatMap((route) => (matches(route.parts, parts) ? [...route.methods] : []));
    return [...new Set(methods)].sort();
  }
}

function matches(expected: string[], actual: string[]): boolean {
  return expected.length === actual.length && expected.every((part, i) => part === actual[i] || (part.startsWith(':') && actual[i] !== ''));
}
