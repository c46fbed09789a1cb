import { createDecipheriv } from 'node:crypto';
import { inflateRawSync } from 'node:zlib';
import type pg from 'pg';
import { questionsAbout } from '../support/generated-questions.ts';
import { comparable, given, nextOf } from '../support/planted.ts';
import type { TestAnswer, TestService } from '../support/service.ts';
import {
  addAlike,
  type Change,
  changeHiddenElements,
  disguised,
  hiddenAmong,
  labelledAtRandom,
  type Numbers,
  numbers,
  remove,
  rewrite,
  type Stored,
  storedOf,
} from './rows.ts';
import { type County, type Scenario, scenariosOf } from './scenarios.ts';

/*
 * G-1, two worlds (non-interference): where only rows change that a caller may not see, no answer to them changes by a
 * byte. Each round takes one scenario: rows are labelled at random, what is hidden is worked out here, questions are
 * asked, hidden rows become others, go or get more, and the same questions are asked again.
 */

/** What the rounds found. */
export interface TwoWorlds {
  readonly pairs: number;
  readonly differing: readonly Difference[];
  /** bytes in which answers of the two worlds differ, over all pairs */
  readonly bytes: number;
  /** of the questions' answers, those that gave out a resource */
  readonly told: number;
  /** pairs asked, by scenario */
  readonly byScenario: ReadonlyMap<string, number>;
  /** hidden rows that made the difference, over all rounds */
  readonly hidden: number;
}

export interface Difference {
  readonly scenario: string;
  readonly round: number;
  readonly question: string;
  readonly bytes: number;
  /** where the two answers part */
  readonly apart: string;
}

export interface Asked {
  readonly answer: TestAnswer;
  readonly scenario: Scenario;
  readonly question: string;
}

export interface TwoWorldsOptions {
  /** pairs in all, counted from the first of these rounds */
  readonly pairs: number;
  readonly seed: number;
  /** the first round, and how many there are between two of this run's: rounds can be dealt out to several runs */
  readonly from?: number;
  readonly step?: number;
  /** ends with the first difference */
  readonly untilFound?: boolean;
  /** ends when whoever looks at the answers has seen enough */
  readonly enough?: () => boolean;
  /** only the first world is asked */
  readonly oneWorld?: boolean;
  /** sees every answer of the first world: its rows are all there */
  readonly onAnswer?: (asked: Asked) => Promise<void>;
  readonly onRound?: (pairs: number) => void;
}

const A_ROUND = 40;
const MOST_PAGES = 3;

const KEPT = ['resource_version', 'resource_key', 'agreement', 'person_search'] as const;

/** @returns pairs and differences; an answer that gives out a hidden row is a difference, too */
export async function twoWorlds(county: County, options: TwoWorldsOptions): Promise<TwoWorlds> {
  const { client } = county;
  const { from = 0, step = 1 } = options;
  const scenarios = await scenariosOf(county);
  // records of which a part is open tell more than those that are closed as a whole
  const rota = [...scenarios, ...scenarios.filter(({ labelled }) => labelled)];
  await client.query('create schema if not exists kept');
  for (const table of KEPT) {
    await client.query(`drop table if exists kept.${table}`);
    await client.query(`create table kept.${table} as table record.${table}`);
  }
  await client.query('create index on kept.resource_version (person_id)');
  const found = { pairs: 0, differing: [] as Difference[], bytes: 0, told: 0, hidden: 0 };
  const byScenario = new Map<string, number>();
  for (let round = from; found.pairs < options.pairs; round += step) {
    const scenario = rota[round % rota.length];
    if (scenario === undefined) break;
    const size = Math.min(A_ROUND, options.pairs - found.pairs);
    const one = await aRound(county, scenario, options, round, size);
    await restore(client, scenario);
    found.pairs += one.pairs;
    found.differing.push(...one.differing);
    found.bytes += one.differing.reduce((sum, { bytes }) => sum + bytes, 0);
    found.told += one.told;
    found.hidden += one.hidden;
    byScenario.set(scenario.name, (byScenario.get(scenario.name) ?? 0) + one.pairs);
    options.onRound?.(found.pairs);
    if (options.untilFound === true && found.differing.length > 0) break;
    if (options.enough?.() === true) break;
  }
  return { ...found, byScenario };
}

async function aRound(
  county: County,
  scenario: Scenario,
  options: TwoWorldsOptions,
  round: number,
  size: number,
) {
  const { client, service, trust } = county;
  const { person } = scenario;
  const next = numbers(options.seed * 1_000_003 + round);
  if (scenario.labelled) {
    // what is not shared is there, so that it is asked for
    await changeHiddenElements(client, await storedOf(client, [person]), trust, next);
    await rewrite(client, labelledAtRandom(await storedOf(client, [person]), next));
  }
  const rows = await storedOf(client, [person]);
  const hidden = hiddenAmong(rows, scenario.hides);
  const asks = [...(scenario.asks ?? []), ...readsOf([...hidden], next)];
  const questions = questionsOf(scenario, asks, rows, size, options.seed + round);
  const asker = new Asker(service, await scenario.token());
  if (scenario.before !== undefined) {
    await scenario.before.was(client);
    for (const question of questions.slice(0, 10)) await asker.pages(question, 0);
    await scenario.before.is(client);
  }
  const versions = new Set([...hidden].map((row) => `${row.id}/${row.from}`));
  const leaks: Difference[] = [];
  const world = new Map<string, readonly string[]>();
  let told = 0;
  for (const [index, question] of questions.entries()) {
    const pages = await asker.pages(question, index, async (answer) => {
      const leaked = leakedFrom(answer, versions);
      if (leaked !== '')
        leaks.push({ scenario: scenario.name, round, question, bytes: answer.text.length, apart: leaked });
      if (given(answer).length > 0) told += 1;
      await options.onAnswer?.({ answer, scenario, question });
    });
    world.set(`${index} ${question}`, pages);
  }
  if (options.oneWorld === true)
    return { pairs: questions.length, differing: leaks, told, hidden: hidden.size };
  await theOtherWorld(county, scenario, rows, hidden, next);
  await changeHiddenElements(client, await storedOf(client, [person]), trust, next);
  const differing = [...leaks];
  for (const [index, question] of questions.entries()) {
    const [one, other] = [world.get(`${index} ${question}`) ?? [], await asker.pages(question, index)];
    const bytes = bytesApart(one, other);
    if (bytes === 0) continue;
    differing.push({
      scenario: scenario.name,
      round,
      question,
      bytes,
      apart: apart(one.join('\n'), other.join('\n')),
    });
    if (options.untilFound === true) break;
  }
  return { pairs: questions.length, differing, told, hidden: hidden.size };
}

/** Reads of some hidden rows, a text or medicine first: nothing but its name leads to it. */
function readsOf(hidden: readonly Stored[], next: Numbers): readonly string[] {
  if (hidden.length === 0) return [];
  const texts = hidden.filter(({ type }) => type === 'Binary' || type === 'Medication');
  const some = [texts, hidden, hidden].flatMap((from) => from[next(Math.max(1, from.length))] ?? []);
  return some.filter(({ type }) => type !== 'Patient').map(({ type, id }) => `${type}/${id}`);
}

function questionsOf(
  { person }: Scenario,
  asks: readonly string[],
  rows: readonly Stored[],
  size: number,
  seed: number,
): readonly string[] {
  const known = rows.map(({ type, id, from, line }) => ({ type, id, version: Number(from), line }));
  const generated = questionsAbout(person, known, Math.max(1, size - asks.length - 1), seed);
  return [...asks, ...generated].slice(0, size);
}

/** Hidden rows say something else, are gone, or have others beside them. */
async function theOtherWorld(
  { client }: County,
  scenario: Scenario,
  rows: readonly Stored[],
  hidden: ReadonlySet<Stored>,
  next: Numbers,
): Promise<void> {
  const changes = [...hidden].map((row): Change => ({ row, resource: disguised(row, rows, hidden, next) }));
  const kind = next(5);
  if (kind === 0) await rewrite(client, changes);
  else if (kind < 3) await remove(client, [...hidden], scenario.forgets);
  else if (kind === 3) {
    await rewrite(client, changes);
    for (let n = 0; n < 3; n += 1)
      await addAlike(
        client,
        changes.filter(({ row }) => row.type !== 'Patient'),
      );
  } else {
    const some = changes.filter(() => next(2) === 0);
    await rewrite(client, some);
    await remove(
      client,
      changes.filter((change) => !some.includes(change)).map(({ row }) => row),
      scenario.forgets,
    );
  }
  if (next(2) === 0) await scenario.elsewhere?.(client);
}

async function restore(client: pg.Client, { person }: Scenario): Promise<void> {
  for (const table of KEPT) {
    await client.query(`delete from record.${table} where person_id = $1`, [person]);
    await client.query(`insert into record.${table} select * from kept.${table} where person_id = $1`, [
      person,
    ]);
  }
  await client.query(
    'insert into record.person_search select * from kept.person_search on conflict do nothing',
  );
}

/** Asks as one caller, each question in one of the ways that it can be asked, all of its pages. */
class Asker {
  readonly #service: TestService;
  readonly #token: string;
  readonly #pageKey: Buffer;

  constructor(service: TestService, token: string) {
    this.#service = service;
    this.#token = token;
    this.#pageKey = service.configuration.secrets().pageTokens;
  }

  /** @returns each page as it may be compared */
  async pages(
    question: string,
    way: number,
    onAnswer: (answer: TestAnswer) => Promise<void> = async () => {},
  ): Promise<readonly string[]> {
    const pages: string[] = [];
    let path: string | undefined = question;
    while (path !== undefined && pages.length < MOST_PAGES) {
      const answer: TestAnswer = await (pages.length === 0
        ? this.#asked(question, way)
        : this.#service.get(path, this.#token));
      if (![200, 400, 403, 404, 405].includes(answer.status))
        throw new Error(`${question}: ${answer.status} ${answer.text.slice(0, 300)}`);
      await onAnswer(answer);
      pages.push(comparable(withPagesOpened(answer, this.#pageKey)));
      path = nextOf(answer);
    }
    return pages;
  }

  #asked(question: string, way: number): Promise<TestAnswer> {
    const [path = '', query] = question.split('?');
    if (way % 7 === 3 && query !== undefined && !path.includes('/'))
      return this.#service.post(`${path}/_search`, query, this.#token);
    if (way % 7 === 5) return this.#service.batch([question], this.#token);
    return this.#service.get(question, this.#token);
  }
}

/** Page tokens in place of their seals: what they hold must not differ either, but for when they end. */
function withPagesOpened(answer: TestAnswer, key: Buffer): TestAnswer {
  const text = answer.text.replace(/_page=([\w-]+)/g, (_whole, token: string) => {
    const bytes = Buffer.from(token, 'base64url');
    const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(0, 12));
    decipher.setAuthTag(bytes.subarray(12, 28));
    const plain = inflateRawSync(Buffer.concat([decipher.update(bytes.subarray(28)), decipher.final()]));
    return `_page (${plain.toString().replace(/"until":\d+/, '')})`;
  });
  return { ...answer, text };
}

function leakedFrom(answer: TestAnswer, hidden: ReadonlySet<string>): string {
  return given(answer)
    .filter(
      ({ resourceType, id, meta }) => resourceType !== 'Patient' && hidden.has(`${id}/${meta?.versionId}`),
    )
    .map(({ resourceType, id }) => `gives out ${resourceType}/${id}, which is hidden`)
    .join('; ');
}

function bytesApart(one: readonly string[], other: readonly string[]): number {
  const [a, b] = [Buffer.from(one.join('\n')), Buffer.from(other.join('\n'))];
  if (a.equals(b)) return 0;
  let apart = Math.abs(a.length - b.length);
  for (let at = 0; at < Math.min(a.length, b.length); at += 1) if (a[at] !== b[at]) apart += 1;
  return Math.max(1, apart);
}

/** Where two answers part. */
function apart(one: string, other: string): string {
  let at = 0;
  while (at < one.length && one[at] === other[at]) at += 1;
  return `${one.slice(Math.max(0, at - 60), at + 60)} | ${other.slice(Math.max(0, at - 60), at + 60)}`;
}

/** How many of a scenario's answers would be others, were its rows without labels: the questions are such as would tell. */
export async function toldByLabels(
  county: County,
  scenario: Scenario,
  seed: number,
): Promise<readonly [number, number]> {
  const { client, service } = county;
  const rows = await storedOf(client, [scenario.person]);
  const questions = questionsOf(scenario, [], rows, 200, seed);
  const asker = new Asker(service, await scenario.token());
  const before: string[] = [];
  for (const question of questions) before.push((await asker.pages(question, 0)).join('\n'));
  await client.query(`update record.resource_version set labels = '{}' where person_id = $1`, [
    scenario.person,
  ]);
  let others = 0;
  for (const [index, question] of questions.entries())
    if ((await asker.pages(question, 0)).join('\n') !== before[index]) others += 1;
  await restore(client, scenario);
  return [others, questions.length];
}
