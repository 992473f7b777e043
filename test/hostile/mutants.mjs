/** What is planted into the built service, which caller meets it, and the finding that must come of it. */
export const PLANTED = {
  'a slow expression in a check of bodies': {
    file: 'dist/src/http/json-body.js',
    change: [/(function parseJsonBody\((\w+)[^\n]*\{\n)/, '$1    /(?:\\\\")*x$/.test($2.toString("latin1").slice(0, 60000));\n'],
    caller: 'bodies that are expensive to check',
    findings: [/the event loop paused/],
  },
  'an error of a stream that nobody takes': {
    file: 'dist/src/requests/following/event-wire.js',
    change: [/this\.out\.on\('error', IGNORE\);/, "setTimeout(() => new (require('node:stream').PassThrough)().destroy(new Error('planted')), 20);"],
    caller: 'pipelined streams that are cut off',
    findings: [/the process ended|an error was logged/],
  },
  'a bound of the queue that all share': {
    file: 'dist/src/ledger/admission.service.js',
    change: [/maxCharges \* SHARE_OF_USER/, 'Infinity'],
    // Small enough to be filled on a machine that is busy: the caller has what is left of it.
    environment: { ADMISSION_QUEUE_LIMIT: '512' },
    caller: 'a row that another program holds locked',
    findings: [/the neighbour was refused .* queue-full/],
  },
};
