import { useNavigate, useParams, useSearch } from '@tanstack/react-router';

/** What the address of the page asks for. */
export function usePageSearch(): Partial<Record<string, string>> {
  const search: object = useSearch({ strict: false });
  return search;
}

/** The part of the path with the name. */
export function usePathPart(name: string): string {
  const params: object = useParams({ strict: false });
  return (params as Partial<Record<string, string>>)[name] ?? '';
}

/** Changes what it asks for, and begins at the first page again. */
export function useFilter(): (changes: Partial<Record<string, string>>) => void {
  const navigate = useNavigate();
  return (changes) => void navigate({ to: '.', search: (now: object) => ({ ...now, ...changes, cursor: undefined }), replace: true });
}
