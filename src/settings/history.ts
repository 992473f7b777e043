import { jsonDiff } from '../common/json-diff';
import { type Chosen, type Page, toPage } from '../http/page';
import { type ConfigurationVersionDto } from './dto/configuration-version.dto';

export interface Version {
  version: number;
  content: Record<string, unknown> | null;
  author: number | null;
  reason: string | null;
  createdAt: Date;
}

/** A page of versions, newest first, each with what it changed. `rows` hold two more than the page: one to know of a next page, one to compare with. */
export function toHistory(rows: Version[], size: number, filters: Chosen): Page<ConfigurationVersionDto> {
  const items = rows.map((row, i) => toVersion(row, rows[i + 1]));
  return toPage(
    items.slice(0, size + 1),
    size,
    filters,
    (item) => String(item.version),
    (item) => item,
  );
}

/** A version as users may see it: without who and why, and without the content while it was not public. */
export function openVersion({ version, content, createdAt }: Version, declared: boolean): Version {
  const open = declared || content === null || content.visibility === 'public';
  return { version, content: open ? content : {}, author: null, reason: null, createdAt };
}

function toVersion({ version, content, author, reason, createdAt }: Version, previous: Version | undefined): ConfigurationVersionDto {
  const [before, after] = [withoutSecret(previous?.content ?? null), withoutSecret(content)];
  const changes = jsonDiff(before ?? {}, after ?? {});
  return { version, value: after?.value ?? null, deleted: content === null, changes, author, reason, createdAt };
}

/** A secret may be shown to have changed, not what it is. */
export function withoutSecret(content: Record<string, unknown> | null): Record<string, unknown> | null {
  return content?.visibility === 'secret' ? { ...content, value: null } : content;
}
