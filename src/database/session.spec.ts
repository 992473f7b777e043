import { settingsIn, transactionPins } from './session';

describe('options of a connection', () => {
  it('are read as PostgreSQL reads them', () => {
    expect(settingsIn('-c work_mem=64MB -cstatement_timeout=5s --search-path=app,\\ public -c')).toEqual({
      work_mem: '64MB',
      statement_timeout: '5s',
      search_path: 'app, public',
    });
    expect(settingsIn('')).toEqual({});
  });

  it('count behind a pooler where we pin nothing ourselves, and what belongs to a session alone is left out', () => {
    const pins = transactionPins('-c work_mem=64MB -c TimeZone=Asia/Tokyo', 'my "app"', { lock_timeout: 7 });
    expect(pins).toMatchObject({ work_mem: '64MB', TimeZone: 'UTC', lock_timeout: 7, search_path: '"my ""app""",pg_temp' });
    expect(Object.keys(pins).filter((name) => /^default_transaction|^idle_session/.test(name))).toEqual([]);
  });
});
