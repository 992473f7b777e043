import { Controller, Get } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { OperatorsOnly } from '../common/access.decorators';
import { ReplicaPage } from './dto/replica.dto';
import { ReplicasService } from './replicas.service';

@ApiTags('health')
@Controller('v1/replicas')
export class ReplicasController {
  constructor(private readonly replicas: ReplicasService) {}

  /** The processes that serve, each with its release and when it last reported itself; a hundred at the utmost, those that are live first. */
  @Get()
  @OperatorsOnly('viewer')
  list(): Promise<ReplicaPage> {
    return this.replicas.list();
  }
}
