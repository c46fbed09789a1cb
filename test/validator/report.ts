import type { Message } from './judge.ts';

/*
 * What the validator said, put in order. Messages that only say that a code could not be looked up are counted by
 * themselves: without a terminology server nobody can tell whether a SNOMED CT code is in a value set.
 */

/** An answer that was validated. */
export interface Answer {
  /** as messages name it */
  readonly file: string;
  /** the row of the table that it answers */
  readonly name: string;
  readonly kind: string;
  /** in it, entries and contained ones included */
  readonly resources: number;
}

export type Verdict = 'error' | 'warning' | 'terminology' | 'note';

/** Messages that say the same of different places. */
export interface Group {
  readonly verdict: Verdict;
  readonly id: string;
  readonly text: string;
  readonly count: number;
  /** answer and place of the first of them */
  readonly example: string;
}

/** Code systems that are licensed or too large to be at hand. */
const ELSEWHERE = ['http://snomed.info/sct', 'http://loinc.org', 'https://dmd.nhs.uk'];
/** Code systems and extensions of ours must be defined by us. */
const OURS = 'https://mycarerecord.example/';

/** Whether a message says no more than that a code could not be looked up here. */
export function saysOnlyThatTerminologyIsMissing({ id, message }: Message): boolean {
  const missing =
    /CodeSystem '([^']+)' is ignored\/not-present/.exec(message)?.[1] ??
    /CodeSystem is unknown and can't be validated: (\S+)/.exec(message)?.[1];
  if (missing !== undefined) return !missing.startsWith(OURS);
  // HAPI's own fall over a code system that it does not have
  if (id === 'Terminology_TX_Error_CodeableConcept') return message.includes('"this.codeSystem" is null');
  // slices told apart by value sets of SNOMED CT: with all codes unknown, each seems to match
  if (id === 'Validation_VAL_Profile_MatchMultiple') return /: ?valueset-|- valueset-/.test(message);
  const codes =
    /\(codes = ([^)]+)\)/.exec(message)?.[1]?.split(', ') ??
    /^The Coding provided \(([^)]+)\) was not found/.exec(message)?.slice(1);
  return codes?.every((code) => ELSEWHERE.some((system) => code.startsWith(`${system}#`))) === true;
}

export function verdictOf(message: Message): Verdict {
  if (saysOnlyThatTerminologyIsMissing(message)) return 'terminology';
  // it would fetch a package to make an extension's snapshot; the program beside it makes it from what is at hand
  if (message.id === 'ERROR_GENERATING_SNAPSHOT' && message.message.includes('package id')) return 'note';
  switch (message.severity) {
    case 'fatal':
    case 'error':
      return 'error';
    case 'warning':
      return 'warning';
    case 'information':
      // an extension of ours without a definition: nobody could know what it means
      return message.id === 'Extension_EXT_Unknown' && message.message.includes(OURS) ? 'warning' : 'note';
  }
}

/** Messages by what they say, the most frequent first. */
export function groups(messages: readonly Message[], answers: readonly Answer[]): readonly Group[] {
  const names = new Map(answers.map(({ file, name }) => [file, name]));
  const found = new Map<string, Group>();
  for (const message of messages) {
    const verdict = verdictOf(message);
    const text = withoutNames(message.message);
    const key = `${verdict} ${message.id} ${text}`;
    const example = `${names.get(message.file) ?? message.file}: ${message.location ?? ''}`;
    const before = found.get(key);
    const count = (before?.count ?? 0) + 1;
    found.set(
      key,
      before ? { ...before, count } : { verdict, id: message.id ?? 'parser', text, count, example },
    );
  }
  return [...found.values()].sort((a, b) => b.count - a.count);
}

/** What differs from one place to the next, taken out: ids, codes, positions, what Java prints of an object. */
function withoutNames(message: string): string {
  return message
    .replaceAll(/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, '*')
    .replaceAll(/Component@[0-9a-f]+/g, 'Component')
    .replaceAll(/(sct|loinc\.org)(\|[^#\s]+)?#[0-9-]+/g, '$1#*')
    .replaceAll(/ for '[^']+#[^']*'/g, '')
    .replaceAll(/index \d+/g, 'index *');
}

export function tableOf(answers: readonly Answer[], messages: readonly Message[]): readonly string[] {
  const verdicts = messages.map((message) => ({ file: message.file, verdict: verdictOf(message) }));
  const line = (kind: string, resources: unknown, errors: unknown, warnings: unknown): string =>
    kind.padEnd(20) + [resources, errors, warnings].map((cell) => String(cell).padStart(11)).join('');
  const rows = [...new Set(answers.map(({ kind }) => kind))].map((kind) => {
    const of = answers.filter((answer) => answer.kind === kind);
    const files = new Set(of.map(({ file }) => file));
    const count = (wanted: Verdict): number =>
      verdicts.filter(({ file, verdict }) => verdict === wanted && files.has(file)).length;
    return line(kind, sum(of), count('error'), count('warning'));
  });
  return [line('kind of answer', 'resources', 'errors', 'warnings'), ...rows];
}

export function listOf(all: readonly Group[], verdict: Verdict): readonly string[] {
  return all
    .filter((group) => group.verdict === verdict)
    .flatMap(({ count, id, text, example }) => [
      `${String(count).padStart(6)}  ${id.split('/').at(-1) ?? id}`,
      `        ${text.length > 400 ? `${text.slice(0, 400)} …` : text}`,
      `        for example ${example}`,
    ]);
}

export function sum(answers: readonly Answer[]): number {
  return answers.reduce((total, { resources }) => total + resources, 0);
}

/** Resources in a JSON value, itself included. */
export function resourcesIn(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0;
  const own = 'resourceType' in value ? 1 : 0;
  return Object.values(value).reduce<number>((total, member) => total + resourcesIn(member), own);
}
