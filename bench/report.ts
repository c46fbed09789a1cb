import { cpus } from 'node:os';
import type { AuditCost } from './audit-cost.ts';
import type { LoadFigures } from './loads.ts';
import type { Figures, Spread } from './measure.ts';
import type { ReadFigures } from './reads.ts';

/** Everything that was measured in one run. */
export interface Results {
  readonly reads: readonly ReadFigures[];
  readonly audit: readonly AuditCost[];
  readonly loads: LoadFigures;
}

export function machine(): { readonly cpu: string; readonly cores: number; readonly node: string } {
  return { cpu: cpus()[0]?.model ?? 'unknown', cores: cpus().length, node: process.version };
}

export function reportOf({ reads, audit, loads }: Results): readonly string[] {
  const { cores, cpu, node } = machine();
  return [
    `${cores} × ${cpu}, Node ${node}; 32 connections, load generator and PostgreSQL on the same machine`,
    ...reads.flatMap(readLines),
    '',
    'cost of the account, single reads without rules:',
    ...audit.map(auditLine),
    '',
    `loads, ${loads.rows} rows of ${loads.people} people:`,
    `  plain COPY of the same rows   ${rate(loads.copy)}`,
    ...(
      [
        ['first night', loads.first],
        ['unchanged night', loads.unchanged],
        ['1 % changed', loads.changed],
      ] as const
    ).map(
      ([name, value]) => `  ${name.padEnd(29)} ${rate(value)}  (${(value / loads.copy).toFixed(3)} of COPY)`,
    ),
    `  peak memory of the loader     ${(loads.peakMemoryBytes / 1048576).toFixed(0)} MiB`,
  ];
}

function readLines(one: ReadFigures): readonly string[] {
  const kept = `${one.windows - one.discarded} of ${one.windows} rounds`;
  const percent = (value: number): string => `${(value * 100).toFixed(1)} %`;
  return [
    '',
    `${one.name}: ${ratioText(one.ofBare, percent)} of the bare route's rate; governance on against off: ${ratioText(one.governance, (value) => `${value.toFixed(2)} ×`)} the CPU (${kept})`,
    `  service        ${line(one.service)}, PostgreSQL CPU ${one.service.postgresMicros.toFixed(0)} µs`,
    `  without rules  ${line(one.ungoverned)}, PostgreSQL CPU ${one.ungoverned.postgresMicros.toFixed(0)} µs`,
    `  bare           ${line(one.bare)}`,
  ];
}

function auditLine(one: AuditCost): string {
  const callers = `${one.callers} ${one.callers === 1 ? 'caller ' : 'callers'}`.padStart(10);
  return (
    `  ${callers}: p50 ${one.audited.p50.toFixed(2)} ms, without ${one.unaudited.p50.toFixed(2)} ms, added ${one.addedP50.toFixed(2)} ms; ` +
    `${one.auditsPerSecond.toFixed(0)} audits/s, ${one.eventsPerBatch.toFixed(1)} events a batch; ` +
    `CPU of Node ${one.audited.nodeMicros.toFixed(0)} and ${one.unaudited.nodeMicros.toFixed(0)} µs, ` +
    `of PostgreSQL ${one.audited.postgresMicros.toFixed(0)} and ${one.unaudited.postgresMicros.toFixed(0)} µs`
  );
}

function line(figures: Figures): string {
  return `${figures.perSecond.toFixed(0).padStart(6)} /s  p50 ${figures.p50.toFixed(1)} ms  p99 ${figures.p99.toFixed(1)} ms  Node CPU ${figures.nodeMicros.toFixed(0)} µs`;
}

function ratioText(ratio: Spread | 'inconclusive', text: (value: number) => string): string {
  if (ratio === 'inconclusive')
    return 'inconclusive (too few quiet windows; the figures below are no result)';
  return `${text(ratio.median)} (${text(ratio.min)} to ${text(ratio.max)})`;
}

function rate(perSecond: number): string {
  return `${Math.round(perSecond).toLocaleString('en-GB').padStart(9)} rows/s`;
}
