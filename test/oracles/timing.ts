import { parseArgs } from 'node:util';
import { Ends, loadedCounty, serverOf } from './ground.ts';
import { numbers } from './rows.ts';
import type { County } from './scenarios.ts';

/*
 * C-23: whether the time of an answer tells who is hidden from who does not exist. Requests for both are interleaved at
 * random, over the whole service and a database; what is printed is how many, the medians, and their ratio with an
 * interval (bootstrap). It measures and is no part of `npm test`, where `test/http/catalogue-cases.test.ts` holds that
 * both cost the same statements and events.
 *
 *   npm run check:timing -- --requests 2000 --seed 7
 */

const NEVER = '99999999-2222-4333-8444-555555555555';
const LABEL = 'http://terminology.hl7.org/CodeSystem/v3-Confidentiality|R';
const RESAMPLES = 500;
/** Milliseconds between medians: the effect that attack catalogue 2.1 allows. Less is stated, and is no failure. */
const APART = 1;

const { values } = parseArgs({
  options: {
    requests: { type: 'string', default: '1000' },
    seed: { type: 'string', default: '20261126' },
  },
});
const [requests, seed] = [Number(values.requests), Number(values.seed)];
const next = numbers(seed);

interface Pair {
  readonly what: string;
  readonly hidden: string;
  readonly absent: string;
}

async function pairsOf({ client }: County): Promise<readonly Pair[]> {
  const one = async (text: string): Promise<string> => {
    const id = (await client.query<{ id: string }>(text)).rows[0]?.id;
    if (id === undefined) throw new Error('The county has nobody of that kind.');
    return id;
  };
  const row = await one(
    `select resource_id::text as id from record.resource_version where type = 3 and valid_to = 9223372036854775807
     and person_id not in (select person_id from record.restriction)
     and person_id not in (select n.person_id from record.person_number n join record.opt_out o using (nhs_number))
     order by resource_id limit 1`,
  );
  await client.query('update record.resource_version set labels = $2 where resource_id = $1', [row, [LABEL]]);
  const person = await one('select person_id::text as id from record.restriction order by 1 limit 1');
  const theirs = await one(
    `select resource_id::text as id from record.resource_version where type = 3 and valid_to = 9223372036854775807
     and person_id in (select person_id from record.restriction) order by resource_id limit 1`,
  );
  return [
    { what: 'a labelled row', hidden: `Condition/${row}`, absent: `Condition/${NEVER}` },
    { what: 'a row of a restricted person', hidden: `Condition/${theirs}`, absent: `Condition/${NEVER}` },
    { what: 'a restricted person', hidden: `Patient/${person}`, absent: `Patient/${NEVER}` },
    {
      what: 'their whole record',
      hidden: `Patient/${person}/$everything`,
      absent: `Patient/${NEVER}/$everything`,
    },
    {
      what: 'a search of theirs',
      hidden: `Condition?patient=${person}`,
      absent: `Condition?patient=${NEVER}`,
    },
  ];
}

async function measure(county: County, { what, hidden, absent }: Pair): Promise<boolean> {
  const { service } = county;
  const token = await service.token({
    kind: 'staff',
    organisation: 'K82004',
    role: 'general-practitioner',
    user: 'gp-jones',
  });
  const times: Record<'hidden' | 'absent', number[]> = { hidden: [], absent: [] };
  const timed = async (which: 'hidden' | 'absent', keep: boolean): Promise<void> => {
    const began = process.hrtime.bigint();
    await service.get(which === 'hidden' ? hidden : absent, token);
    if (keep) times[which].push(Number(process.hrtime.bigint() - began) / 1e6);
  };
  for (let round = -50; round < requests; round += 1) {
    const order = next(2) === 0 ? (['hidden', 'absent'] as const) : (['absent', 'hidden'] as const);
    for (const which of order) await timed(which, round >= 0);
  }
  const ratio = median(times.hidden) / median(times.absent);
  const [low, high] = interval(times.hidden, times.absent);
  const difference = median(times.hidden) - median(times.absent);
  process.stdout.write(
    `${what}: ${requests} each, median ${median(times.hidden).toFixed(3)} ms hidden, ${median(times.absent).toFixed(3)} ms absent, ` +
      `difference ${(difference * 1000).toFixed(0)} µs, ratio ${ratio.toFixed(3)} (95 %: ${low.toFixed(3)} to ${high.toFixed(3)})\n`,
  );
  return Math.abs(difference) < APART || (low <= 1 && high >= 1);
}

function median(all: readonly number[]): number {
  const sorted = [...all].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}

/** Of the ratio of medians, by drawing from both anew. */
function interval(one: readonly number[], other: readonly number[]): readonly [number, number] {
  const drawn = (from: readonly number[]): number[] => from.map(() => from[next(from.length)] ?? 0);
  const ratios = Array.from({ length: RESAMPLES }, () => median(drawn(one)) / median(drawn(other)));
  ratios.sort((a, b) => a - b);
  const at = (share: number): number => ratios[Math.floor(RESAMPLES * share)] ?? Number.NaN;
  return [at(0.025), at(0.975)];
}

async function main(): Promise<number> {
  const ends = new Ends();
  try {
    process.env['MCR_TEST_DATABASE_URL'] = await serverOf(ends);
    const county = await loadedCounty(ends);
    let alike = true;
    for (const pair of await pairsOf(county)) alike = (await measure(county, pair)) && alike;
    process.stdout.write(
      alike ? `every difference is below ${APART} ms\n` : `a difference of ${APART} ms or more\n`,
    );
    return alike ? 0 : 1;
  } finally {
    await ends.end();
  }
}

process.exitCode = await main();
