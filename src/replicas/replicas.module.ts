import { Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { Replica } from './entities/replica.entity';
import { ReplicasController } from './replicas.controller';
import { ReplicasRepository } from './replicas.repository';
import { ReplicasService } from './replicas.service';

@Module({
  imports: [TypeOrmModule.forFeature([Replica])],
  controllers: [ReplicasController],
  providers: [ReplicasRepository, ReplicasService],
})
export class ReplicasModule {}
