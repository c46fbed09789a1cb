import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { measureAudit } from './audit-cost.ts';
import { measureLoads } from './loads.ts';
import { manyRowsText, measureManyRows } from './million.ts';
import { measureReads } from './reads.ts';
import { machine, reportOf } from './report.ts';
import { choose, onStage, type Stage } from './stage.ts';

const { values } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
    // nights of so many rows instead of everything else
    rows: { type: 'string' },
  },
});
const WINDOWS = values.quick ? 7 : 11;
const SECONDS = values.quick ? 2 : 4;
const PEOPLE = values.quick ? 4000 : 12_000;

const say = (line: string): void => void process.stderr.write(`${line}\n`);
const print = (found: unknown, lines: readonly string[]): void =>
  void process.stdout.write(`${values.json ? JSON.stringify(found, undefined, 2) : lines.join('\n')}\n`);

async function everything(stage: Stage): Promise<void> {
  say(`Loading a county of ${PEOPLE} people …`);
  const loads = await measureLoads({ ...stage, people: PEOPLE });
  const { cases } = JSON.parse(readFileSync(join(stage.folder, 'night-1', 'cases.json'), 'utf8')) as {
    cases: readonly { name: string; nhsNumber: string }[];
  };
  const number = cases.find((one) => one.name === 'record-of-50')?.nhsNumber ?? '';
  const chosen = await choose(stage.url, number);
  const reads = await measureReads(stage, chosen, WINDOWS, SECONDS, say);
  const audit = await measureAudit(stage, chosen, WINDOWS, SECONDS / 2, say);
  print({ machine: machine(), reads, audit, loads }, reportOf({ reads, audit, loads }));
}

async function manyRows(stage: Stage, rows: number): Promise<void> {
  const paths = async (): Promise<readonly string[]> =>
    (await choose(stage.url, '')).resources.map((id) => `/fhir/Observation/${id}`);
  const found = await measureManyRows({ ...stage, rows, paths, say });
  print(found, manyRowsText(found));
}

const { rows } = values;
await onStage(say, (stage) => (rows === undefined ? everything(stage) : manyRows(stage, Number(rows))));
