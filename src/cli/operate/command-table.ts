/** One command: an operation of the service, and what the command line adds to it. */
export interface OperatorCommand {
  /** As openapi.json names it. */
  operation: string;
  /** Members of the answer that its table shows, `title=path.to.it` for those further inside; all of them without. */
  columns?: string[];
  /** Of what it does, why it asks first. */
  hurts?: string;
  /** A member of the body that is an argument and no flag. */
  argument?: string;
  /** A member of the body that is a secret: asked for, or from standard input, never an argument. */
  secret?: string;
  /** What it always sends, and has no flags for. */
  sends?: Record<string, unknown>;
  /** Members of the body that are no operator's. */
  without?: string[];
  headers?: Record<string, string>;
}

export interface OperatorGroup {
  description: string;
  commands: Record<string, OperatorCommand>;
}

const KEY = ['id', 'name', 'prefix', 'scopes', 'dailyCap', 'expiresAt', 'lastUsedAt'];
const SETTING = ['key', 'value', 'source', 'version', 'visibility', 'updatedAt'];
const DELIVERY = ['id', 'type', 'userId', 'status', 'tries', 'lastStatus', 'lastError', 'createdAt'];
const ANY_VERSION = { 'if-match': '*' };
const NO_VERSION = { 'if-none-match': '*' };

/** What operators do by the command line, by group and name. Flags, bounds and descriptions are those of openapi.json. */
export const OPERATOR_COMMANDS: Record<string, OperatorGroup> = {
  users: {
    description: 'Accounts. <user> is an id, an e-mail address, or external:<id> as your own system calls them.',
    commands: {
      list: { operation: 'usersList', columns: ['id', 'email', 'role', 'status', 'tier', 'dailyQuota', 'externalId', 'createdAt'] },
      get: { operation: 'usersGet' },
      create: { operation: 'usersCreate', secret: 'password' },
      update: { operation: 'usersUpdate', without: ['currentPassword'] },
      delete: { operation: 'usersDelete', hurts: 'removes the account with its keys and sessions' },
      export: { operation: 'personalDataExport' },
    },
  },
  tiers: {
    description: 'Plans. <tier> is an id or a name.',
    commands: {
      list: { operation: 'tiersList' },
      get: { operation: 'tiersGet' },
      create: { operation: 'tiersCreate' },
      update: { operation: 'tiersUpdate', hurts: 'changes the plan of all its users at once' },
      delete: { operation: 'tiersDelete', hurts: 'removes the plan' },
      changes: { operation: 'tierChangesList', columns: ['userId', 'email', 'tier', 'next=next.tier', 'from=next.effectiveAt'] },
      'cancel-change': { operation: 'tierChangesCancel', hurts: 'has the change of plan that waits not happen' },
    },
  },
  keys: {
    description: 'API keys of a user. A new secret is shown once.',
    commands: {
      list: { operation: 'apiKeysList', columns: KEY },
      get: { operation: 'apiKeysGet' },
      create: { operation: 'apiKeysCreate' },
      update: { operation: 'apiKeysUpdate' },
      rotate: { operation: 'apiKeysRotate', hurts: 'ends the secret that is in use' },
      revoke: { operation: 'apiKeysRevoke', hurts: 'ends the key for good' },
    },
  },
  'service-accounts': {
    description: 'Accounts of programs, which no person’s leaving ends. Their keys: quotidian keys, with the id of the account.',
    commands: {
      list: { operation: 'serviceAccountsList' },
      get: { operation: 'serviceAccountsGet' },
      create: { operation: 'serviceAccountsCreate', argument: 'name' },
      rename: { operation: 'serviceAccountsUpdate', argument: 'name', without: ['disabled'] },
      disable: { operation: 'serviceAccountsUpdate', sends: { disabled: true }, without: ['name'], hurts: 'stops all its keys' },
      enable: { operation: 'serviceAccountsUpdate', sends: { disabled: false }, without: ['name'] },
    },
  },
  quotas: {
    description: 'What a user may spend today, spent on each day, and gets back.',
    commands: {
      get: { operation: 'quotasGet' },
      usage: { operation: 'quotasUsage' },
      reset: { operation: 'quotasReset', hurts: 'gives back all that was charged in this period' },
    },
  },
  overrides: {
    description: 'Temporary quotas, which end by the clock.',
    commands: {
      set: { operation: 'quotasPutOverride' },
      delete: { operation: 'quotasDeleteOverride', hurts: 'ends the temporary quota now' },
    },
  },
  requests: {
    description: 'Requests that users submitted.',
    commands: {
      list: { operation: 'requestsList', columns: ['id', 'userId', 'type', 'status', 'cost', 'attempt', 'createdAt', 'finishedAt'] },
      get: { operation: 'requestsGet' },
      cancel: { operation: 'requestsCancel', hurts: 'cancels the request' },
    },
  },
  jobs: {
    description: 'Scheduled jobs of the service.',
    commands: {
      list: {
        operation: 'jobsList',
        columns: [
          'name',
          'cron',
          'nextRunAt',
          'last run=lastRuns.0.status',
          'at=lastRuns.0.startedAt',
          'affected=lastRuns.0.affected',
          'error=lastRuns.0.error',
        ],
      },
      run: { operation: 'jobsRun' },
    },
  },
  settings: {
    description: 'System settings. <value> is JSON; what is no JSON is a text; @<file> and - read it from a file or standard input.',
    commands: {
      list: { operation: 'systemConfigurationsList', columns: SETTING },
      get: { operation: 'systemConfigurationsGet' },
      set: { operation: 'systemConfigurationsPut', argument: 'value', headers: ANY_VERSION },
      create: { operation: 'systemConfigurationsPut', argument: 'value', headers: NO_VERSION },
      delete: { operation: 'systemConfigurationsDelete', hurts: 'takes the setting back to its default', headers: ANY_VERSION },
      history: { operation: 'systemConfigurationsHistory', columns: ['version', 'value', 'deleted', 'author', 'reason', 'createdAt'] },
      rollback: { operation: 'systemConfigurationsRollback', argument: 'version', hurts: 'makes an earlier version the newest', headers: ANY_VERSION },
      changes: { operation: 'configurationChangesList' },
    },
  },
  'user-settings': {
    description: "A user's own values of settings.",
    commands: {
      list: { operation: 'userConfigurationsList', columns: SETTING },
      get: { operation: 'userConfigurationsGet' },
      set: { operation: 'userConfigurationsPut', argument: 'value', headers: ANY_VERSION },
      delete: { operation: 'userConfigurationsDelete', hurts: "removes the user's own value", headers: ANY_VERSION },
      history: { operation: 'userConfigurationsHistory' },
    },
  },
  webhooks: {
    description: 'Webhook endpoints and what was sent to them. Those that are made here get the events of all users.',
    commands: {
      list: { operation: 'endpointsList', columns: ['id', 'userId', 'url', 'events', 'enabled', 'disabledReason'] },
      get: { operation: 'endpointsGet' },
      create: { operation: 'endpointsCreate', sends: { scope: 'all' } },
      update: { operation: 'endpointsUpdate' },
      delete: { operation: 'endpointsDelete', hurts: 'removes the endpoint with its deliveries' },
      'rotate-secret': { operation: 'endpointsRotateSecret', hurts: 'ends the secret that is in use after its overlap' },
      test: { operation: 'deliveriesTest' },
      replay: { operation: 'deliveriesReplay', hurts: 'sends events of a time once more' },
      deliveries: { operation: 'deliveriesList', columns: DELIVERY },
      delivery: { operation: 'deliveriesGet' },
      resend: { operation: 'deliveriesResend' },
    },
  },
  events: {
    description: 'What happened, as webhooks are sent it.',
    commands: { list: { operation: 'eventsList', columns: ['id', 'type', 'userId', 'createdAt', 'data'] } },
  },
  'audit-log': {
    description: 'Who changed what.',
    commands: {
      list: {
        operation: 'auditList',
        columns: ['id', 'createdAt', 'actor=actor.kind', 'actor id=actor.id', 'action', 'target=target.kind', 'target id=target.id', 'reason'],
      },
    },
  },
};
