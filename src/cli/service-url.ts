import { InvalidArgumentError } from 'commander';

/** The URL of a service, as a flag names it. @throws InvalidArgumentError */
export function serviceUrl(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url === null || !['http:', 'https:'].includes(url.protocol)) throw new InvalidArgumentError('It must be a URL, such as https://quota.example.com.');
  if (url.username !== '' || url.password !== '' || url.search !== '') throw new InvalidArgumentError('It must hold no user, password or query.');
  return url;
}
