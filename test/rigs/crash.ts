import { type SpawnOptions, spawn } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { Random } from '../../demo/county/random.ts';
import type { Certificate } from '../../src/loads/certificate.ts';
import { guardLimits } from '../../src/loads/guards.ts';
import { runLoad } from '../../src/loads/run.ts';
import { Database } from '../../src/storage/database.ts';
import { PostgresLoadStore } from '../../src/storage/load-store.ts';
import { visible } from '../loads/visible.ts';
import { type ExtractSpec, KEY, personIds, policy, TODAY, writeExtract } from '../loads/world.ts';
import { firstNight, secondNight, secondNightAsDelta } from './crash-nights.ts';
import { Ground } from './ground.ts';

/**
 * The crash matrix: a load is killed, or its database, at a random statement of every phase; then the extract is loaded
 * again, and everything is compared with a night that nothing disturbed.
 */
const { values } = parseArgs({
  options: { cycles: { type: 'string', default: '26' }, seed: { type: 'string', default: '1' } },
});
const CYCLES = Number(values.cycles);
const SEED = Number(values.seed);
const PHASES =
  'open stage scan patients consents restrict identify compare map apply copies guard publish'.split(' ');

const say = (line: string): void => void process.stdout.write(`${line}\n`);

interface Cycle {
  readonly number: number;
  readonly phase: string;
  /** statements that the phase is let do first */
  readonly statements: number;
  readonly victim: 'loader' | 'database';
  readonly kind: 'full' | 'delta';
}

interface Outcome {
  /** where it was hit; absent: the load was over before */
  readonly phase: string | undefined;
  readonly rerun: string;
  readonly differences: readonly string[];
}

function cycleOf(number: number): Cycle {
  const random = new Random(SEED, 'crash cycle', number);
  // the phases in turn, each with either victim in turn, so that few cycles go over all of them
  const victim = (number + Math.floor(number / PHASES.length)) % 2 === 0 ? 'loader' : 'database';
  return {
    number,
    phase: PHASES[number % PHASES.length] ?? 'publish',
    statements: random.whole(0, random.chance(0.5) ? 3 : 14),
    victim,
    kind: random.chance(0.5) ? 'full' : 'delta',
  };
}

async function load(ground: Ground, name: string, folder: string): Promise<Certificate> {
  const database = new Database({ url: ground.url(name) }, 'mcr_record');
  try {
    return await runLoad({
      folder,
      source: 'gp',
      policy: policy(),
      store: new PostgresLoadStore(database, 30_000),
      audit: async () => {},
      stagingRoot: join(ground.folder, 'staging'),
      heldRoot: join(ground.folder, 'held'),
      // whatever the seed brings is no reason to hold a night
      guards: guardLimits({ least: 1_000_000 }),
      resourceKey: KEY,
      now: () => Date.parse(`${TODAY}T03:00:00Z`),
      newPersonId: personIds(folder),
    });
  } finally {
    await database.close();
  }
}

/** Runs a load in a process of its own that kills itself or the database; answers the phase in which it did. */
async function disturbed(ground: Ground, cycle: Cycle, name: string, folder: string): Promise<string> {
  const program = fileURLToPath(new URL('./killed-at.js', import.meta.url));
  const postmaster = cycle.victim === 'database' ? await ground.postmaster() : 0;
  const args = [ground.url(name), folder, ground.folder, cycle.phase, cycle.statements, postmaster];
  const options: SpawnOptions = { stdio: ['ignore', 'pipe', 'inherit'] };
  const child = spawn(process.execPath, [program, ...args.map(String)], options);
  let printed = '';
  child.stdout?.on('data', (data: Buffer) => {
    printed += data.toString();
  });
  await new Promise((resolve) => child.on('close', resolve));
  const phase = printed.trim();
  if (postmaster > 0 && phase !== '') await ground.restart();
  return phase;
}

interface Seen {
  /** by the reading rule */
  readonly readers: readonly string[];
  /** whatever else is stored of resources, seen by nobody */
  readonly everything: readonly string[];
}

async function look(ground: Ground, name: string): Promise<Seen> {
  const client = await ground.client(name);
  const rows = async (sql: string): Promise<readonly Record<string, unknown>[]> =>
    (await client.query<Record<string, unknown>>(sql)).rows;
  try {
    const readers = await visible({ rows });
    const stored = await rows(STORED);
    return { readers, everything: stored.map(({ line }) => String(line)) };
  } finally {
    await client.end();
  }
}

/** Versions with the sequences of their loads, and what a load that ended leaves nothing of. */
const STORED = `
select concat_ws(' ', 'resource', v.resource_id, v.type, f.sequence, coalesce(u.sequence::text, 'open')) as line
from record.resource_version v join record.load f on f.load_no = v.valid_from
  left join record.load u on u.load_no = v.valid_to
union all
select concat_ws(' ', 'directory', v.resource_id, f.sequence, coalesce(u.sequence::text, 'open'))
from record.directory_version v join record.load f on f.load_no = v.valid_from
  left join record.load u on u.load_no = v.valid_to
union all select 'change ' || count(*) from record.load_change
union all select 'running ' || count(*) from record.load where state = 'running'
union all select 'reject ' || l.sequence || ' ' || count(*) from record.reject join record.load l using (load_no)
  where l.state = 'published' group by l.sequence
order by 1`;

/** What takes effect ahead of the load, with the epochs that it changes; and keys, which readers do not rely on. */
const EARLY_OR_UNSEEN = /^(opt-out|restriction|person|key):/;

function differences(found: readonly string[], expected: readonly string[]): readonly string[] {
  const [there, wanted] = [new Set(found), new Set(expected)];
  return [
    ...found.filter((line) => !wanted.has(line)).map((line) => `+ ${line}`),
    ...expected.filter((line) => !there.has(line)).map((line) => `- ${line}`),
    ...(found.length === expected.length ? [] : [`${found.length} lines instead of ${expected.length}`]),
  ];
}

async function run(ground: Ground, cycle: Cycle, old: Seen, expected: Seen): Promise<Outcome> {
  const name = `cycle_${cycle.number}`;
  await ground.copy(name, 'night_1');
  const spec = cycle.kind === 'full' ? secondNight(SEED) : secondNightAsDelta(SEED);
  const folder = writeExtract(ground.folder, spec);
  const phase = await disturbed(ground, cycle, name, folder);
  const between = await look(ground, name);
  const published =
    between.readers.includes('published: 2 gp 2') || between.readers.includes('published: 2 1 2');
  const early = (lines: readonly string[]): readonly string[] =>
    lines.filter((line) => !EARLY_OR_UNSEEN.test(line));
  // readers see the old or the new; what restricts may be ahead of it
  const torn = published
    ? differences(between.readers, expected.readers)
    : differences(early(between.readers), early(old.readers));
  const result = await load(ground, name, folder).then(
    (certificate) => certificate.result,
    () => 'failed',
  );
  const after = await look(ground, name);
  const rerunWrong = result === (published ? 'duplicate' : 'published') ? [] : [`the rerun was ${result}`];
  await ground.drop(name);
  return {
    phase: phase === '' ? undefined : phase,
    rerun: result,
    differences: [
      ...torn.map((line) => `between: ${line}`),
      ...rerunWrong,
      ...differences(after.readers, expected.readers),
      ...differences(after.everything, expected.everything),
    ],
  };
}

async function undisturbed(ground: Ground, name: string, spec: ExtractSpec): Promise<Seen> {
  await ground.copy(name, 'night_1');
  const { result } = await load(ground, name, writeExtract(ground.folder, spec));
  if (result !== 'published') throw new Error(`The undisturbed night was ${result}.`);
  return look(ground, name);
}

async function main(): Promise<number> {
  const ground = await Ground.make();
  try {
    await ground.copy('night_1', 'migrated');
    await load(ground, 'night_1', writeExtract(ground.folder, firstNight(SEED)));
    const old = await look(ground, 'night_1');
    // the ids of new people's copies follow from the manifest: each kind has its own reference
    const expected = {
      full: await undisturbed(ground, 'full_night', secondNight(SEED)),
      delta: await undisturbed(ground, 'delta_night', secondNightAsDelta(SEED)),
    };
    const { readers, everything } = expected.full;
    say(`${readers.length} facts that readers see, ${everything.length} rows and counts behind them`);
    const kills = new Map<string, { kills: number; differences: number }>();
    let missed = 0;
    let different = 0;
    for (let number = 0; number < CYCLES; number += 1) {
      const cycle = cycleOf(number);
      const outcome = await run(ground, cycle, old, expected[cycle.kind]);
      different += outcome.differences.length;
      if (outcome.phase === undefined) missed += 1;
      else count(kills, `${outcome.phase.padEnd(9)} ${cycle.victim}`, outcome.differences.length);
      if (outcome.differences.length === 0) continue;
      say(`cycle ${number} (${cycle.kind}, ${cycle.victim} killed in ${outcome.phase ?? 'no phase'}):`);
      for (const line of outcome.differences.slice(0, 10)) say(`  ${line.slice(0, 160)}`);
    }
    for (const [key, { kills: n, differences: d }] of [...kills].sort()) {
      say(`  ${key.padEnd(18)} ${String(n).padStart(4)} kills, ${d} differences`);
    }
    const tried = CYCLES - missed;
    say(`${tried} kills, ${missed} loads that ended before theirs, ${different} differences; seed ${SEED}`);
    return different === 0 && tried > 0 ? 0 : 1;
  } finally {
    await ground.close();
  }
}

function count(kills: Map<string, { kills: number; differences: number }>, key: string, found: number): void {
  const before = kills.get(key) ?? { kills: 0, differences: 0 };
  kills.set(key, { kills: before.kills + 1, differences: before.differences + found });
}

process.exitCode = await main();
