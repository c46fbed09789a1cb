#!/usr/bin/env -S node --max-semi-space-size=64
import { auditCommand } from './audit.ts';
import { type Command, UsageError } from './command.ts';
import { configCommand } from './config.ts';
import { demoCommand } from './demo.ts';
import { identityCommand } from './identity.ts';
import { inboxCommand } from './inbox.ts';
import { loadCommand } from './load.ts';
import { loadsCommand } from './loads.ts';
import { matchingCommand } from './matching.ts';
import { policyCommand } from './policy.ts';
import { serveCommand } from './serve.ts';
import { sourcesCommand } from './sources.ts';
import { staffCommand } from './staff.ts';
import { tokenCommand } from './token.ts';

const COMMANDS: readonly Command[] = [
  serveCommand,
  loadCommand,
  inboxCommand,
  loadsCommand,
  sourcesCommand,
  matchingCommand,
  staffCommand,
  identityCommand,
  auditCommand,
  tokenCommand,
  demoCommand,
  configCommand,
  policyCommand,
];

/** Exit codes, the same for every command: 0 done, 1 failed or refused, 2 called wrongly. */
async function main(words: readonly string[]): Promise<number> {
  const [name, ...rest] = words;
  const command = COMMANDS.find((one) => one.name === name);
  if (command === undefined || rest.includes('--help')) {
    process.stdout.write(command === undefined ? overview() : `${command.usage}\n`);
    return command === undefined && name !== undefined && name !== '--help' ? 2 : 0;
  }
  try {
    return await command.run(rest);
  } catch (error) {
    const message = error instanceof Error && error.message !== '' ? error.message : 'The command failed.';
    process.stderr.write(`${message}\n`);
    return error instanceof UsageError || isParseError(error) ? 2 : 1;
  }
}

function overview(): string {
  const width = Math.max(...COMMANDS.map((command) => command.name.length));
  const lines = COMMANDS.map((command) => `  ${command.name.padEnd(width)}  ${command.summary}`);
  return `mcr <command>\n\n${lines.join('\n')}\n\nmcr <command> --help tells more. Exit codes: 0 done, 1 failed or refused, 2 called wrongly.\n`;
}

function isParseError(error: unknown): boolean {
  return error instanceof Error && 'code' in error && String(error.code).startsWith('ERR_PARSE_ARGS');
}

process.exitCode = await main(process.argv.slice(2));
