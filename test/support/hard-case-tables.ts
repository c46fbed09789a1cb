import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Shown } from './hard-cases.ts';
import { repositoryRoot } from './root.ts';
import type { TestAnswer } from './service.ts';

/* How an answer reads in the tables of hard cases, and how the tables are written. */

const TABLES = join(repositoryRoot(), '.build', 'hard-cases.txt');
/** The printed tables, line by line. */
const printed: string[] = [];

/** Adds a line to the tables: cells, each padded to its width. */
export function print(cells: readonly string[], widths: readonly number[]): void {
  printed.push(
    cells
      .map((cell, index) => cell.padEnd(widths[index] ?? 0))
      .join(' ')
      .trimEnd(),
  );
}

/** `n` demands a number from 1; everything else is demanded to the letter. */
export function meets(came: string, demand: string): boolean {
  if (demand === 'n') return /^[1-9]\d*$/.test(came);
  return came === demand || came.replace(/^200 [1-9]\d*(?= |$)/, '200 n') === demand;
}

/** Writes what was printed to where `npm run cases` shows it from. */
export function writeTables(): void {
  mkdirSync(join(repositoryRoot(), '.build'), { recursive: true });
  writeFileSync(TABLES, `${printed.join('\n')}\n`);
}

interface Entry {
  readonly search: { readonly mode: string };
  readonly resource: Shown & {
    readonly issue?: readonly {
      readonly details?: { readonly coding?: readonly { readonly code?: string }[] };
    }[];
  };
}

const codesOf = (outcome: Entry['resource']): string[] =>
  (outcome.issue ?? []).map((issue) => issue.details?.coding?.[0]?.code ?? 'no-code');

/** The resources that answer the question, without outcomes and what is included. */
export function matches(answer: TestAnswer): readonly Shown[] {
  const entries: readonly Entry[] = answer.json?.entry ?? [];
  return entries.filter((entry) => entry.search.mode === 'match').map((entry) => entry.resource);
}

/** Status, number of matches, outcome codes; that a source is up to date is no finding. */
export function told(answer: TestAnswer): string {
  const { status, json } = answer;
  if (status !== 200) {
    return [String(status), ...codesOf(json ?? {}).filter((code) => code !== 'no-code')].join(' ');
  }
  if (json.resourceType !== 'Bundle') return '200';
  const entries: readonly Entry[] = json.entry ?? [];
  const codes = entries
    .filter((entry) => entry.search.mode === 'outcome')
    .flatMap((entry) => codesOf(entry.resource))
    .filter((code) => code !== 'source-current');
  return ['200', matches(answer).length, ...[...new Set(codes)].sort()].join(' ');
}
