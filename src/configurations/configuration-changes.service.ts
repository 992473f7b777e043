import { Injectable } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import { AuditService } from '../audit/audit.service';
import { type Actor } from '../common/principal';
import { Transactions } from '../database/transactions';
import { cursorPosition, type Page, pageSize, toPage } from '../http/page';
import { NotFoundProblem, ValidationProblem } from '../http/problem';
import { type IdempotentCall } from '../idempotency/idempotency-key';
import { IdempotencyService } from '../idempotency/idempotency.service';
import { ChangesRepository, type ChangeOnBase } from '../settings/changes.repository';
import { CurrentSettings } from '../settings/current-settings.service';
import { assertPreconditions, currentOf, type Preconditions } from '../settings/preconditions';
import { isKey, type SettingContent } from '../settings/setting-definitions';
import { type SettingReading, SettingWriter, unsealed } from '../settings/setting-writer.service';
import { UnknownSetting } from '../settings/settings.errors';
import { SettingsService } from '../settings/settings.service';
import { ChangeEnded, OwnChange } from './configuration-changes.errors';
import { ConfigurationsSettings } from './configurations.settings';
import { type ListChangesQuery } from './dto/list-changes.dto';
import { ProposeChangeDto } from './dto/propose-change.dto';
import { ProposedChangeDto } from './dto/proposed-change.dto';

/**
 * Changes of system settings that wait for a second administrator, for their instant, or for both. Always true: what was
 * proposed is what takes effect, on top of the version that its author saw or not at all; and nobody approves their own.
 */
@Injectable()
export class ConfigurationChangesService {
  constructor(
    private readonly changes: ChangesRepository,
    private readonly current: CurrentSettings,
    private readonly writer: SettingWriter,
    private readonly settings: SettingsService,
    private readonly audit: AuditService,
    private readonly idempotency: IdempotencyService,
    private readonly dataSource: DataSource,
    private readonly transactions: Transactions,
  ) {}

  /** Newest first. @throws UnknownSetting */
  async list(query: ListChangesQuery): Promise<Page<ProposedChangeDto>> {
    const { limit: _, cursor, ...filters } = query;
    if (query.key !== undefined && !isKey(query.key)) throw new UnknownSetting(query.key);
    const chosen = { list: 'configuration-changes', ...filters };
    const before = cursorPosition(cursor, chosen);
    await this.current.makeDue();
    const size = pageSize(query);
    const rows = await this.changes.list(filters, before, size + 1);
    return toPage(rows, size, chosen, (row) => String(row.id), ProposedChangeDto.of);
  }

  /** @throws NotFoundProblem */
  async get(key: string, id: number): Promise<ProposedChangeDto> {
    await this.current.read(key);
    return ProposedChangeDto.of(await this.find(this.dataSource.manager, key, id));
  }

  /**
   * Proposes a change on top of the version of now. One that needs no approval and names no instant is in force with the answer.
   * @throws UnknownSetting, ValidationProblem, PreconditionRequired, StaleVersion
   */
  async propose(actor: Actor, key: string, dto: ProposeChangeDto, preconditions: Preconditions, call: IdempotentCall | null): Promise<ProposedChangeDto> {
    const required = this.settings.get(ConfigurationsSettings.approvalRequired);
    if (required && dto.requiresApproval === false) throw new ValidationProblem([APPROVAL_REQUIRED]);
    const requiresApproval = dto.requiresApproval ?? required;
    const change = await this.idempotency.transaction(call, async (tx) => {
      const reading = await this.writer.lockAndRead(tx, key);
      assertPreconditions(preconditions, currentOf(reading));
      const content = await this.contentOf(tx, key, dto, reading);
      const baseVersion = reading.state.version;
      const draft = {
        key,
        baseVersion,
        content,
        requiresApproval,
        effectiveAt: instantOf(dto),
        reason: dto.reason ?? null,
        author: actor.id as number,
      };
      const id = await this.changes.insert(tx, draft);
      if (id === null) throw new ValidationProblem([INSTANT_PASSED]);
      await this.record(tx, actor, 'propose', id, key, { after: unsealed(content), reason: dto.reason });
      return this.settled(tx, key, id);
    });
    await this.settings.refresh().catch(() => undefined);
    return change;
  }

  /** In force at once when its instant has come. @throws NotFoundProblem, OwnChange, ChangeEnded */
  async approve(actor: Actor, key: string, id: number): Promise<ProposedChangeDto> {
    return this.decide(key, id, async (tx, change) => {
      if (change.status !== 'proposed') throw new ChangeEnded(change.status);
      if (change.author === actor.id) throw new OwnChange();
      await this.changes.approve(tx, id, actor.id);
      await this.record(tx, actor, 'approve', id, key, { reason: change.reason });
    });
  }

  /** Any administrator may, until it has ended. @throws NotFoundProblem, ChangeEnded */
  async withdraw(actor: Actor, key: string, id: number, reason?: string): Promise<ProposedChangeDto> {
    return this.decide(key, id, async (tx, change) => {
      if (!(await this.changes.withdraw(tx, id, actor.id))) throw new ChangeEnded(change.status);
      await this.record(tx, actor, 'withdraw', id, key, { reason });
    });
  }

  /** Lets one decide at a time, over the change as it is once what was due before is made. */
  private async decide(key: string, id: number, work: (tx: EntityManager, change: ChangeOnBase) => Promise<void>): Promise<ProposedChangeDto> {
    const decided = await this.transactions.run(async (tx) => {
      await this.writer.lockAndRead(tx, key);
      await work(tx, await this.find(tx, key, id));
      return this.settled(tx, key, id);
    });
    await this.settings.refresh().catch(() => undefined);
    return decided;
  }

  /** The change after what is due now was made, which it may be itself. */
  private async settled(tx: EntityManager, key: string, id: number): Promise<ProposedChangeDto> {
    await this.writer.lockAndRead(tx, key);
    return ProposedChangeDto.of(await this.find(tx, key, id));
  }

  private async contentOf(tx: EntityManager, key: string, dto: ProposeChangeDto, { current }: SettingReading): Promise<SettingContent | null> {
    const { delete: deletes, effectiveAt: _, requiresApproval: __, ...write } = dto;
    if (!deletes) return this.writer.contentOf(await this.writer.next(tx, key, current, write), write.value);
    const { reason: ___, ...given } = write;
    const extra = Object.entries(given).find(([, field]) => field !== undefined);
    if (extra) throw new ValidationProblem([{ pointer: `#/${extra[0]}`, detail: 'does not go with delete', code: 'not-with-delete' }]);
    if (current === null) throw new UnknownSetting(key);
    return null;
  }

  private async find(tx: EntityManager, key: string, id: number): Promise<ChangeOnBase> {
    const change = isKey(key) ? await this.changes.find(tx, key, id) : null;
    if (change === null) throw new NotFoundProblem('change');
    return change;
  }

  private async record(
    tx: EntityManager,
    actor: Actor,
    verb: string,
    id: number,
    key: string,
    { after, reason }: { after?: unknown; reason?: string | null },
  ): Promise<void> {
    await this.audit.record(tx, actor, { action: `configuration-change.${verb}`, target: ['configuration-change', `${key}/${id}`], after, reason });
  }
}

/** In UTC: PostgreSQL takes fewer offsets than RFC 3339. */
function instantOf({ effectiveAt }: ProposeChangeDto): string | null {
  return effectiveAt == null ? null : new Date(effectiveAt).toISOString();
}

const APPROVAL_REQUIRED = { pointer: '#/requiresApproval', detail: 'must not be false: configurations.approvalRequired is true', code: 'approval-required' };
const INSTANT_PASSED = { pointer: '#/effectiveAt', detail: 'must be in the future', code: 'instant-passed' };
