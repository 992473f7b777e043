import { Global, Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { EventCursor } from './entities/event-cursor.entity';
import { EventListener } from './entities/event-listener.entity';
import { OutboxEvent } from './entities/outbox-event.entity';
import { EventLogRepository } from './event-log.repository';
import { ListenersRepository } from './listeners.repository';
import { ListenersService } from './listeners.service';
import { OutboxService } from './outbox.service';
import { RelayRepository } from './relay.repository';
import { RelayService } from './relay.service';

/** What happened, in the commit of what did it, and how it comes to those who make something of it. Everybody records here. */
@Global()
@Module({
  imports: [TypeOrmModule.forFeature([EventCursor, EventListener, OutboxEvent])],
  providers: [EventLogRepository, ListenersRepository, ListenersService, OutboxService, RelayRepository, RelayService],
  exports: [EventLogRepository, ListenersService, OutboxService, RelayRepository],
})
export class OutboxModule {}
