import { createPrivateKey, createPublicKey } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { faultLine } from '../audit/fault.ts';
import { SignatureError } from '../audit/jws.ts';
import { historyEntry } from '../audit/key-history.ts';
import { checkProof, ProofError } from '../audit/proof.ts';
import type { VerifyReport } from '../audit/verify.ts';
import { proveEvent, storedCheckpoint, verifyAudit } from '../audit-desk.ts';
import { readHistoryFile } from '../audit-keys.ts';
import { withService } from '../wire.ts';
import { retention } from './audit-retention.ts';
import { type Command, print, progress, UsageError } from './command.ts';

const OPTIONS = {
  database: { type: 'string' },
  keys: { type: 'string' },
  witness: { type: 'string', multiple: true },
  since: { type: 'string' },
  receipts: { type: 'string' },
  event: { type: 'string' },
  checkpoint: { type: 'string' },
  from: { type: 'string' },
  operator: { type: 'string' },
  approver: { type: 'string', multiple: true },
  reason: { type: 'string' },
  json: { type: 'boolean', default: false },
} as const;

type Values = ReturnType<typeof parseArgs<{ options: typeof OPTIONS }>>['values'];

export const auditCommand: Command = {
  name: 'audit',
  summary: 'the audit log: verify, prove, check, checkpoint, key; holds, hold, lift, retire',
  usage: `mcr audit verify [--database URL] [--keys FILE] [--witness PATH]... [--since FILE] [--receipts FILE] [--json]
mcr audit prove EVENT-ID                              proof that the event is in the log, as JSON
mcr audit check PROOF --event FILE --checkpoint FILE --keys FILE     offline: no database, no network
mcr audit checkpoint [NUMBER]                         the newest, or that one, as it was signed
mcr audit key PEM [--from INSTANT]                    the key's entry in a key history
mcr audit holds                                       legal holds in force
mcr audit hold FROM TO --operator NAME --reason TEXT  no month of these, as 2019-03, is retired
mcr audit lift HOLD --operator NAME --reason TEXT
mcr audit retire MONTH --approver NAME --approver NAME --reason TEXT

verify works the whole log out again and holds it against its signed checkpoints, and these against every witness: those
that are configured and each --witness, a file or folder. With --database, the URL of a login that may act as mcr_auditor
(the password best in PGPASSWORD), and --keys it needs no configuration. --since: a checkpoint as it was signed, up to which the log was
verified before. --receipts: X-Audit-Receipt headers that clients kept, one a line.
check takes the event as the API gave it (AuditEvent/ID) and a checkpoint, best one that a witness kept.
retire drops the events of a month that is older than audit.retentionMonths, sealed and under no hold; hashes and a signed
tombstone stay, and the log can be verified as before. Holds and retirements are audited, with who and why.
Exit codes of all: 0 whole, proven or done; 1 altered, or not proven, with the first place; 2 cannot be told or done.`,
  async run(words) {
    const { values, positionals } = parseArgs({ args: [...words], allowPositionals: true, options: OPTIONS });
    const [verb, subject, ...more] = positionals;
    try {
      if (verb === 'holds' || verb === 'hold' || verb === 'lift' || verb === 'retire')
        return await retention(verb, positionals.slice(1), values);
      if (more.length > 0) throw new UsageError(this.usage);
      if (verb === 'verify' && subject === undefined) return await verify(values);
      if (verb === 'checkpoint') return await checkpoint(subject);
      if (subject === undefined) throw new UsageError(this.usage);
      if (verb === 'prove') return await prove(subject);
      if (verb === 'check') return check(subject, values);
      if (verb === 'key') return key(subject, values.from);
      throw new UsageError(this.usage);
    } catch (error) {
      if (error instanceof ProofError || error instanceof SignatureError) {
        process.stderr.write(`${error.message}\n`);
        return 1;
      }
      if (error instanceof UsageError) throw error;
      const why = error instanceof Error && error.message !== '' ? error.message : 'The command failed.';
      process.stderr.write(`It cannot be told. ${why}\n`);
      return 2;
    }
  },
};

async function verify({ database, keys, witness, since, receipts, json }: Values): Promise<number> {
  if (since !== undefined && receipts !== undefined)
    throw new UsageError(
      'mcr audit verify takes --since or --receipts: receipts are looked for in all of the log.',
    );
  const say = progress();
  const began = performance.now();
  const report = await verifyAudit({
    ...(database === undefined ? {} : { database }),
    ...(keys === undefined ? {} : { keys }),
    ...(witness === undefined ? {} : { witnesses: witness }),
    ...(since === undefined ? {} : { since: readFileSync(since, 'utf8') }),
    ...(receipts === undefined ? {} : { receipts: linesOf(receipts) }),
    progress: (events) => {
      const seconds = (performance.now() - began) / 1000;
      say(`${events} events, ${Math.round(events / Math.max(seconds, 0.001))} a second`);
    },
  });
  if (process.stderr.isTTY) process.stderr.write('\r\x1b[2K');
  if (json) print(JSON.stringify(report, undefined, 2));
  else for (const line of reportLines(report, (performance.now() - began) / 1000)) print(line);
  return { whole: 0, altered: 1, untold: 2 }[report.result];
}

function reportLines(report: VerifyReport, seconds: number): readonly string[] {
  const { events, batches, checkpoints, witnessed, uncovered, lastCheckpoint, faults, faultCount } = report;
  const last = lastCheckpoint === undefined ? 'none' : `${lastCheckpoint.no} of ${lastCheckpoint.time}`;
  return [
    `${events} events in ${batches} batches, ${checkpoints} checkpoints, the last ${last}; ${seconds.toFixed(1)} s`,
    `${witnessed} checkpoints held outside, ${report.receipts} receipts; ${uncovered} events not under a checkpoint yet`,
    ...(witnessed === 0
      ? ['Nothing outside was compared: the newest checkpoints could have been cut off.']
      : []),
    ...faults.map(faultLine),
    ...(faultCount > faults.length ? [`and ${faultCount - faults.length} more`] : []),
    {
      whole: 'The log is whole.',
      altered: 'The log is not what was written.',
      untold: 'It cannot be told: there is no checkpoint to hold the log against.',
    }[report.result],
  ];
}

async function prove(event: string): Promise<number> {
  if (!/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(event))
    throw new UsageError('An event is named by its id, as AuditEvent.id has it.');
  const proof = await withService((service) => proveEvent(service, event));
  print(JSON.stringify(proof, undefined, 2));
  return 0;
}

function check(proof: string, { event, checkpoint: signed, keys }: Values): number {
  if (event === undefined || signed === undefined || keys === undefined)
    throw new UsageError('mcr audit check needs --event, --checkpoint and --keys.');
  const [said, told, jws] = [proof, event, signed].map((file) => readFileSync(file, 'utf8'));
  const found = checkProof(said ?? '', told ?? '', jws ?? '', readHistoryFile(keys));
  print(`The event is in the log that checkpoint ${found.no} of ${found.time} was signed over.`);
  return 0;
}

async function checkpoint(no: string | undefined): Promise<number> {
  if (no !== undefined && !/^[1-9]\d{0,14}$/.test(no))
    throw new UsageError('A checkpoint is named by its number.');
  print(await storedCheckpoint(no === undefined ? undefined : Number(no)));
  return 0;
}

function key(file: string, from: string | undefined): number {
  const pem = readFileSync(file, 'utf8');
  const named = pem.includes('PRIVATE KEY') ? createPrivateKey(pem) : createPublicKey(pem);
  if (named.asymmetricKeyType !== 'ed25519') throw new Error('The key must be Ed25519.');
  const start = from === undefined ? new Date() : new Date(from);
  if (Number.isNaN(start.getTime())) throw new UsageError('--from is an instant, as 2026-01-31T00:00:00Z.');
  print(JSON.stringify({ keys: [historyEntry(named, start)] }, undefined, 2));
  return 0;
}

function linesOf(file: string): readonly string[] {
  return readFileSync(file, 'utf8')
    .split(/[\s,]+/)
    .filter((line) => line !== '');
}
