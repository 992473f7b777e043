const PATHS = {
  overview: 'M4 13h6V4H4zm10 7h6V4h-6zM4 20h6v-4H4z',
  users: 'M9 11a4 4 0 1 0 0-8 4 4 0 0 0 0 8zm-7 10a7 7 0 0 1 14 0M16 3.5a4 4 0 0 1 0 7M18 14.5a7 7 0 0 1 4 6.5',
  requests: 'M4 6h16M4 12h16M4 18h10',
  plans: 'm12 3 9 5-9 5-9-5zm-9 9 9 5 9-5M3 16l9 5 9-5',
  changes: 'M4 8h13l-4-4M20 16H7l4 4',
  grants: 'M12 8v13M4 8h16v5H4zm2 5v8h12v-8M12 8S9 2 6.5 4.5 12 8 12 8s3-6 5.5-3.5S12 8 12 8z',
  settings: 'M4 7h10m4 0h2M4 17h2m4 0h10M16 4v6M8 14v6',
  webhooks: 'M10 13a5 5 0 0 0 7 0l3-3a5 5 0 0 0-7-7l-1 1m2 7a5 5 0 0 0-7 0l-3 3a5 5 0 0 0 7 7l1-1',
  jobs: 'M12 7v5l3 3m6-3a9 9 0 1 1-18 0 9 9 0 0 1 18 0z',
  audit: 'M6 3h9l4 4v14H6zm9 0v4h4M9 12h7M9 16h7',
  health: 'M3 12h4l3-8 4 16 3-8h4',
  today: 'M12 3a9 9 0 1 0 9 9M12 3v9h9',
  usage: 'M4 20V10m6 10V4m6 16v-8m5 8H2',
  keys: 'M14 10a5 5 0 1 0-4.6 5L12 12.4zM12 12l9-9m-3 3 3 3',
  sessions: 'M3 4h18v12H3zm6 16h6m-3-4v4',
  account: 'M12 12a4.5 4.5 0 1 0 0-9 4.5 4.5 0 0 0 0 9zm-8 9a8 8 0 0 1 16 0',
} as const;

export type IconName = keyof typeof PATHS;

/** A drawing beside a name; it says nothing that the name does not. */
export function Icon({ name }: { name: IconName }) {
  return (
    <svg className="icon" viewBox="0 0 24 24" aria-hidden="true">
      <path d={PATHS[name]} />
    </svg>
  );
}
