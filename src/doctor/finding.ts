/** `unknown`: it could not be found out; `detail` states why. */
export type FindingStatus = 'ok' | 'warning' | 'failure' | 'unknown';

/** What a look at one thing found. */
export interface Finding {
  check: string;
  status: FindingStatus;
  detail: string;
  /** One command, statement or variable that mends it. */
  mend?: string;
}

export interface FindingGroup {
  name: string;
  findings: Finding[];
}

/** All that was looked at. `failure`: what is promised is broken or about to be; `warning`: somebody should look at it soon. */
export interface Diagnosis {
  status: Exclude<FindingStatus, 'unknown'>;
  groups: FindingGroup[];
}

export const ok = (check: string, detail: string): Finding => ({ check, status: 'ok', detail });
export const warning = (check: string, detail: string, mend: string): Finding => ({ check, status: 'warning', detail, mend });
export const failure = (check: string, detail: string, mend: string): Finding => ({ check, status: 'failure', detail, mend });
export const unknown = (check: string, detail: string): Finding => ({ check, status: 'unknown', detail });

export function diagnosisOf(groups: FindingGroup[]): Diagnosis {
  const found = new Set(groups.flatMap(({ findings }) => findings.map(({ status }) => status)));
  return { status: found.has('failure') ? 'failure' : found.has('warning') ? 'warning' : 'ok', groups };
}
