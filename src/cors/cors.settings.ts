import { defineSetting } from '../settings/setting';

/** An origin as browsers write it (RFC 6454): no path, and no port that is the default. */
const ORIGIN = '^(\\*|https?://[a-z0-9.-]+(:[0-9]{1,5})?|https?://\\[[0-9a-f:.]+\\](:[0-9]{1,5})?)$';

export const CorsSettings = {
  origins: defineSetting<string[]>({
    key: 'http.corsOrigins',
    schema: { type: 'array', maxItems: 100, uniqueItems: true, items: { type: 'string', maxLength: 255, pattern: ORIGIN } },
    default: [],
    description:
      'Origins whose pages may call this service from a browser and read its answers, such as `https://app.example.com`; `*`: all. Cookies are never among what they send.',
  }),
};
