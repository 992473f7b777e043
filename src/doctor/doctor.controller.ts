import { Controller, Get } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { OperatorsOnly } from '../common/access.decorators';
import { DoctorService } from './doctor.service';
import { DiagnosisDto } from './dto/diagnosis.dto';

@ApiTags('health')
@Controller('v1/doctor')
export class DoctorController {
  constructor(private readonly doctor: DoctorService) {}

  /** What `quotidian doctor` finds, as this replica sees it, with what mends each finding. Looked at anew after ten seconds. */
  @Get()
  @OperatorsOnly('viewer')
  diagnosis(): Promise<DiagnosisDto> {
    return this.doctor.diagnosis();
  }
}
