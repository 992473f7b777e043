import { Notifications } from '../../src/database/notifications';
import { JobsService } from '../../src/jobs/jobs.service';
import { OperatorWatch } from '../../src/notifications/operator-watch';
import { OperatorAlerts } from '../../src/notifications/operator-alerts.service';
import { putSetting } from '../requests/work';
import { eventually } from '../support/eventually';
import { makeUser, type TestUser } from '../support/factories';
import { type Service, startService } from '../support/service';
import { type Smtp, startSmtp } from '../support/smtp';

describe('notifications, on two replicas,', () => {
  let smtp: Smtp;
  let service: Service;
  beforeAll(async () => {
    smtp = await startSmtp();
    service = await startService({ replicas: 2, environment: smtp.environment });
    await eventually(async () => (await service.sql(`SELECT 1 FROM event_listeners WHERE source = 'notifications'`)).length === 1);
  });
  afterAll(async () => {
    await service.close();
    await smtp.close();
  });

  /** Once every event that is there was consumed. */
  const consumed = () =>
    eventually(async () => {
      const [row] = await service.sql<{ done: boolean }>(
        `SELECT NOT EXISTS (SELECT FROM events WHERE position IS NULL)
           AND (SELECT position FROM event_cursors WHERE name = 'notifications') >= coalesce((SELECT max(position) FROM events), 0) AS done`,
      );
      return row?.done === true;
    });
  const mailsTo = async (user: TestUser): Promise<string[]> => {
    await consumed();
    return (await service.sql<{ template: string }>('SELECT template FROM mails WHERE user_id = $1 ORDER BY template', [user.id])).map(
      ({ template }) => template,
    );
  };
  /** Charges more than there is on both replicas, gives some back, and goes on. */
  async function hammer(user: TestUser): Promise<void> {
    for (let round = 0; round < 2; round++) {
      const answers = await Promise.all(Array.from({ length: 14 }, (_, i) => service.replicas[i % 2].as(user).post('/v1/requests').send({ type: 'report' })));
      const made = answers.flatMap(({ status, body }) => (status === 201 ? [(body as { id: string }).id] : []));
      await Promise.all(made.slice(0, 5).map((id) => service.as(user).post(`/v1/requests/${id}/cancel`).expect(200)));
    }
  }

  it('mail a user at the shares of the quota that the settings name, once each, and nobody who wants none', async () => {
    await putSetting(service, 'notifications.quotaMails', [0.8, 1]);
    const user = await makeUser(service, { dailyQuota: 10 });
    const silent = await makeUser(service, { dailyQuota: 10 });
    const own = await makeUser(service, { dailyQuota: 10 });
    const path = '/v1/users/me/configurations/notifications.quotaMails';
    await service.as(silent).put(path).set('if-match', '*').send({ value: [] });
    await service
      .as(own)
      .put(path)
      .set('if-match', '*')
      .send({ value: [0.5] });
    await Promise.all([user, silent, own].map(hammer));
    expect(await mailsTo(user)).toEqual(['quota-exhausted', 'quota-reached']);
    expect(await mailsTo(silent)).toEqual([]);
    expect(await mailsTo(own)).toEqual(['quota-reached']);
    const mail = await smtp.mailTo(user.email, /used up/);
    expect(mail.text).toContain('Nothing is left of the 10 units');
    expect((await smtp.mailTo(own.email)).subject).toMatch(/[5-9]0 % of your daily quota/);
    await putSetting(service, 'notifications.quotaMails', null);
  });

  it('alert operators once, however many processes see it, and again when it lasts', async () => {
    await putSetting(service, 'notifications.operatorMails', ['ops@example.com', 'night@example.com']);
    const raise = () =>
      Promise.all(Array.from({ length: 6 }, (_, i) => service.replicas[i % 2].app.get(OperatorAlerts).raise('operator.books-differ', { counts: { days: 1 } })));
    expect((await raise()).filter(Boolean)).toHaveLength(1);
    expect((await raise()).filter(Boolean)).toHaveLength(0);
    await service.sql(`UPDATE operator_alerts SET alerted_at = now() - interval '7 hours'`);
    expect((await raise()).filter(Boolean)).toHaveLength(1);
    expect(await service.sql(`SELECT user_id, data FROM events WHERE type = 'operator.books-differ'`)).toEqual(
      Array.from({ length: 2 }, () => ({ user_id: null, data: { counts: { days: 1 } } })),
    );
    for (const address of ['ops@example.com', 'night@example.com']) expect((await smtp.mailTo(address)).text).toContain('operator.books-differ');
  });

  it('alert operators to books that differ, by the job that compares them once a day', async () => {
    const compare = () => service.app.get(JobsService).runNow('books', 'schedule');
    const alerts = () => service.sql<{ type: string }>(`SELECT type FROM operator_alerts WHERE type = 'operator.books-differ'`);
    await service.sql('DELETE FROM operator_alerts');
    const user = await makeUser(service, { dailyQuota: 10 });
    expect(await compare()).toBeGreaterThan(0);
    expect(await alerts()).toEqual([]);
    await service.sql('UPDATE users SET api_quota_used_today = 3 WHERE id = $1', [user.id]);
    await putSetting(service, 'notifications.compareBooks', false);
    expect(await compare()).toBe(0);
    await putSetting(service, 'notifications.compareBooks', true);
    await compare();
    expect(await alerts()).toHaveLength(1);
    await service.sql('UPDATE users SET api_quota_used_today = 0 WHERE id = $1', [user.id]);
  });

  it('alert operators to a close-out that is late, a clock that was set back and a lost listener', async () => {
    const types = async () => (await service.sql<{ type: string }>(`SELECT type FROM operator_alerts ORDER BY type`)).map(({ type }) => type);
    const watch = service.app.get(OperatorWatch);
    await service.sql('DELETE FROM operator_alerts');
    await watch.look();
    expect(await types()).toEqual([]);
    await service.sql(
      `INSERT INTO job_runs (job, trigger, status, started_at, finished_at)
       VALUES ('quota-reset', 'schedule', 'succeeded', now() - interval '30 hours', now() - interval '30 hours')`,
    );
    const user = await makeUser(service);
    await service.as(user).post('/v1/requests').send({ type: 'report' }).expect(201);
    await service.sql(`UPDATE requests SET created_at = now() + interval '1 hour' WHERE user_id = $1`, [user.id]);
    const listening = service.app.get(Notifications);
    listening.healthy = false;
    await watch.look();
    await watch.look();
    listening.healthy = true;
    expect(await types()).toEqual(['operator.clock-behind', 'operator.close-out-late', 'operator.listener-lost']);
  });
});
