#!/usr/bin/env node
import 'reflect-metadata';
import { programOf } from './cli/commands';
import { exitWith, FAILED } from './cli/exit';

async function main(): Promise<void> {
  const program = await programOf(process.argv[2]);
  await program.parseAsync();
}

// Whoever reads our output may have seen enough of it, as `head` does.
process.stdout.on('error', ({ code }: NodeJS.ErrnoException) => process.exit(code === 'EPIPE' ? 0 : FAILED));

main().catch(exitWith);
