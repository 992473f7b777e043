import { Module } from '@nestjs/common';
import { ReplicaWatch } from './replica-watch.service';

@Module({ providers: [ReplicaWatch] })
export class ReadReplicaModule {}
