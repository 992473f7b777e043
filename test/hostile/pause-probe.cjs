// Loaded into the service before anything of its own: on SIGUSR2 it writes the longest pause of the event loop since the last time.
const { writeFileSync } = require('node:fs');
const { monitorEventLoopDelay } = require('node:perf_hooks');

const histogram = monitorEventLoopDelay({ resolution: 5 });
histogram.enable();
let asked = 0;
process.on('SIGUSR2', () => {
  writeFileSync(process.env.HOSTILE_PAUSES ?? '/dev/null', JSON.stringify({ asked: ++asked, longestMs: histogram.max / 1e6 }));
  histogram.reset();
});
