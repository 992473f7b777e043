import { ApiProperty } from '@nestjs/swagger';
import { type Diagnosis, type Finding, type FindingGroup, type FindingStatus } from '../finding';

export class FindingDto implements Finding {
  check: string;
  /** `unknown`: it could not be found out; `detail` states why. */
  @ApiProperty({ enum: ['ok', 'warning', 'failure', 'unknown'] })
  status: FindingStatus;
  detail: string;
  /** One command, statement or variable that mends it. Absent where nothing is to be mended. */
  mend?: string;
}

export class FindingGroupDto implements FindingGroup {
  name: string;
  findings: FindingDto[];
}

export class DiagnosisDto implements Diagnosis {
  /** `failure`: what is promised is broken or about to be; `warning`: somebody should look at it soon. */
  @ApiProperty({ enum: ['ok', 'warning', 'failure'] })
  status: Diagnosis['status'];
  groups: FindingGroupDto[];
}
