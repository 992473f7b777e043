export { type MeteredCharge, type MeterPrice, ProblemError } from '@quotidian/client';
export { CurrentCharge, Metered } from './metered.decorator';
export { QUOTIDIAN_OPTIONS, type QuotidianOptions } from './options';
export { Quotidian } from './quotidian';
export { QuotidianGuard } from './quotidian.guard';
export { type QuotidianAsyncOptions, QuotidianModule } from './quotidian.module';
export { Refused } from './refused';
