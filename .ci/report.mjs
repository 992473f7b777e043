// What a report of jest (`--json`) has: node .ci/report.mjs passed|failed|files FILE
import { readFileSync } from 'node:fs';
import { relative } from 'node:path';

const [what, file] = process.argv.slice(2);

function report() {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch {
    // Jest did not come so far as to write one.
    return { numPassedTests: 0, numFailedTests: 1, numRuntimeErrorTestSuites: 0, testResults: [] };
  }
}

const { numPassedTests, numFailedTests, numRuntimeErrorTestSuites, testResults } = report();
const answers = {
  passed: () => numPassedTests,
  // A suite that could not run has no tests to count.
  failed: () => Math.max(1, numFailedTests + numRuntimeErrorTestSuites),
  files: () =>
    testResults
      .filter(({ status }) => status === 'failed')
      .map(({ name }) => relative(process.cwd(), name))
      .join('\n'),
};
process.stdout.write(String(answers[what]()));
