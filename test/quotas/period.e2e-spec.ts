import fc from 'fast-check';
import { type ClockedService, startClockedService } from '../support/clocked-service';
import { dateOf, DAY_MS, dayOf, LocalDays, serverAgrees } from '../support/local-days';

/** Half-hour and 45-minute offsets, midnights skipped (Cairo, Beirut, Santiago) and doubled (Havana, Azores), half-hour and two-hour
 * clock changes (Lord Howe, Troll), Ramadan (Casablanca), a change of mind (Almaty), and both ends of the date line. */
const ZONES = `Etc/UTC Europe/Berlin Europe/London Europe/Dublin Europe/Lisbon Atlantic/Azores Europe/Helsinki Europe/Istanbul
  America/New_York America/Los_Angeles America/Phoenix America/St_Johns America/Havana America/Santiago America/Asuncion
  America/Sao_Paulo America/Nuuk America/Scoresbysund America/Miquelon Africa/Cairo Africa/Casablanca Africa/Nairobi Asia/Beirut
  Asia/Jerusalem Asia/Tehran Asia/Kabul Asia/Kathmandu Asia/Kolkata Asia/Yangon Asia/Almaty Asia/Tokyo Asia/Pyongyang
  Australia/Lord_Howe Australia/Adelaide Australia/Eucla Antarctica/Troll Pacific/Chatham Pacific/Apia Pacific/Kiritimati
  Pacific/Pago_Pago Pacific/Marquesas Pacific/Norfolk Pacific/Auckland`.split(/\s+/);
/** Skipped in many zones, shown twice in many, an hour of no clock change, and the last minute. */
const HOURS = ['02:30', '00:30', '06:00', '23:59'];
const ALL_HOURS = ['00:00', ...HOURS];
const FROM = dayOf('2024-01-01');
const TO = dayOf('2033-01-01');
const FIRST_INSTANT = (FROM - 5) * DAY_MS;
const LAST_INSTANT = (TO + 10) * DAY_MS;

describe('the quota period', () => {
  let service: ClockedService;
  let zones: LocalDays[];
  beforeAll(async () => {
    service = await startClockedService();
    const known = ZONES.map((zone) => new LocalDays(zone, FIRST_INSTANT, LAST_INSTANT));
    const agreed = await Promise.all(known.map((zone) => serverAgrees(service, zone, LAST_INSTANT)));
    zones = known.filter((_, i) => agreed[i]);
  }, 120_000);
  afterAll(() => service.close());

  it('is compared in at least 40 zones, on whose offsets Node and PostgreSQL agree', () => {
    expect(zones.length).toBeGreaterThanOrEqual(40);
  });

  it('begins at the first instant that bears its date, on every day of nine years', async () => {
    for (const days of zones) {
      const rows = await service.sql<{ day: string; start: number; end: number }>(
        `SELECT d::date::text AS day, (extract(epoch FROM quota_day_start(d::date, $1)) * 1000)::float8 AS start,
           (extract(epoch FROM quota_period_end(d::date, $1, $1)) * 1000)::float8 AS end
         FROM generate_series($2::date, $3::date, interval '1 day') d`,
        [days.zone, dateOf(FROM), dateOf(TO - 1)],
      );
      const wrong = rows.filter(({ day, start, end }) => start !== days.startOf(dayOf(day)) || end !== days.firstStartFrom(start + 1));
      expect({ zone: days.zone, wrong }).toEqual({ zone: days.zone, wrong: [] });
    }
  }, 120_000);

  it('begins at the first instant that shows its hour or a later one, on every day of nine years, be the hour skipped or shown twice', async () => {
    for (const days of zones) {
      for (const hour of HOURS) {
        const shifted = days.beginningAt(hour);
        const rows = await service.sql<{ day: string; start: number; last: string; first: string }>(
          `SELECT d::date::text AS day, (extract(epoch FROM s.start) * 1000)::float8 AS start,
             quota_day_at(s.start - interval '1 second', $1)::text AS last, quota_day_at(s.start, $1)::text AS first
           FROM generate_series($2::date, $3::date, interval '1 day') d CROSS JOIN LATERAL (SELECT quota_day_start(d::date, $1) AS start OFFSET 0) s`,
          [`${days.zone}@${hour}`, dateOf(FROM), dateOf(TO - 1)],
        );
        const wrong = rows.filter(({ day, start, last, first }) => start !== shifted.startOf(dayOf(day)) || first !== day || dayOf(last) !== dayOf(day) - 1);
        expect({ zone: days.zone, hour, wrong }).toEqual({ zone: days.zone, hour, wrong: [] });
      }
    }
  }, 300_000);

  it('has 23 and 25 hours where the clocks change, 23½ and 24½ on Lord Howe, 22 and 26 at Troll', () => {
    const hours = (zone: string) => {
      const { starts } = zones.find((days) => days.zone === zone) as LocalDays;
      return [...new Set(starts.slice(1).map(([, start], i) => (start - starts[i][1]) / 3_600_000))].sort((a, b) => a - b);
    };
    expect([hours('Europe/Berlin'), hours('Australia/Lord_Howe'), hours('Antarctica/Troll')]).toEqual([
      [23, 24, 25],
      [23.5, 24, 24.5],
      [22, 24, 26],
    ]);
  });

  it('ends, after a change of zone, at the first beginning of a day in the new zone that is at least 24 hours after its own, and never in an earlier day', async () => {
    const cases = fc.array(fc.tuple(fc.integer({ min: FROM, max: TO - 1 }), fc.nat(), fc.nat()), {
      minLength: 200,
      maxLength: 400,
    });
    await fc.assert(
      fc.asyncProperty(cases, async (picks) => {
        const moves = picks.map(([day, a, b]) => ({
          day,
          from: zones[a % zones.length].beginningAt(ALL_HOURS[a % ALL_HOURS.length]),
          to: zones[b % zones.length].beginningAt(ALL_HOURS[b % ALL_HOURS.length]),
        }));
        const rows = await service.sql<{ end: number }>(
          `SELECT (extract(epoch FROM quota_period_end(day, a, b)) * 1000)::float8 AS end
           FROM unnest($1::date[], $2::text[], $3::text[]) WITH ORDINALITY AS m(day, a, b, n) ORDER BY n`,
          [moves.map(({ day }) => dateOf(day)), moves.map(({ from }) => from.name), moves.map(({ to }) => to.name)],
        );
        moves.forEach(({ day, from, to }, i) => {
          const start = from.startOf(day);
          if (start === undefined) return;
          const min = from === to ? start + 1 : Math.max(start + DAY_MS, to.startOf(day) ?? 0);
          expect([dateOf(day), from.name, to.name, rows[i]?.end]).toEqual([dateOf(day), from.name, to.name, to.firstStartFrom(min)]);
        });
      }),
      { numRuns: 40 },
    );
  }, 120_000);
});
