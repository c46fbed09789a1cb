import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { Client } from 'pg';
import t from 'tap';
import { Database, type DatabaseAddress } from '../../src/storage/database.ts';
import { PostgresLoadStore } from '../../src/storage/load-store.ts';
import { NUMBERS, observation, optOut, patient, type Row } from './rows.ts';
import { visible } from './visible.ts';
import { type ExtractSpec, type Loader, loader, writeExtract } from './world.ts';

const [ADA, BEN, CLEO, DAN] = NUMBERS;

/** A night that adds, changes, deletes, moves, restricts, loosens, quarantines and copies. */
function night(sequence: 1 | 2): ExtractSpec {
  const first = sequence === 1;
  const restricted = {
    meta: { security: [{ system: 'http://terminology.hl7.org/CodeSystem/v3-Confidentiality', code: 'R' }] },
  };
  const request = (id: string, medicine: string): Row => ({
    resourceType: 'MedicationRequest',
    id,
    status: 'active',
    intent: 'order',
    medicationReference: { reference: `Medication/${medicine}` },
    subject: { reference: 'Patient/p1' },
  });
  return {
    source: 'gp',
    sequence,
    files: {
      Patient: [
        patient('p1', ADA, first ? {} : restricted),
        patient('p2', first ? BEN : CLEO),
        ...(first
          ? [patient('p3', DAN)]
          : [patient('p4', NUMBERS[4]), patient('p5', NUMBERS[4], { birthDate: '1999-01-01' })]),
      ],
      Practitioner: [{ resourceType: 'Practitioner', id: 'd1', active: first }],
      Consent: [
        optOut('c1', 'p1', 'permit', '2026-01-01'),
        ...(first ? [] : [optOut('c2', 'p2', 'deny', '2026-02-01')]),
      ],
      Observation: [
        observation('o1', 'p1', sequence),
        observation('o2', 'p2'),
        ...(first ? [observation('o3', 'p3')] : [observation('o4', 'p4'), observation('o5', 'p1')]),
      ],
      Medication: [
        { resourceType: 'Medication', id: 'm1', code: { text: first ? 'Aspirin' : 'Aspirin 75mg' } },
        { resourceType: 'Medication', id: 'm2', code: { text: 'Ibuprofen' } },
      ],
      MedicationRequest: [request('r1', 'm1'), ...(first ? [request('r2', 'm2')] : [])],
    },
  };
}

/** The second night as a delta: it ends as the full one does. */
function secondNightAsDelta(): ExtractSpec {
  const { files, ...night2 } = night(2);
  const gone: readonly Row[] = [
    { resourceType: 'Patient', id: 'p3' },
    { resourceType: 'Observation', id: 'o3' },
    { resourceType: 'MedicationRequest', id: 'r2' },
  ];
  return { ...night2, kind: 'delta', files: { ...files, Purge: gone } };
}

const SECOND_NIGHTS = { 'full extract': () => night(2), delta: secondNightAsDelta } as const;

/** Breaks the connection before its nth statement, and cannot be reached afterwards: as if the process had ended. */
class BreakingDatabase extends Database {
  readonly #breakAt: number;
  broken = false;

  constructor(address: DatabaseAddress, breakAt: number) {
    super(address, 'mcr_record');
    this.#breakAt = breakAt;
  }

  override async connect(): Promise<Client> {
    if (this.broken) throw new Error('The database is not reached.');
    const client = await super.connect();
    const query = client.query.bind(client) as (...values: unknown[]) => unknown;
    let statements = 0;
    const counting = (...values: unknown[]): unknown => {
      statements += 1;
      if (statements === this.#breakAt) {
        this.broken = true;
        streamOf(client).destroy();
      }
      return query(...values);
    };
    Object.assign(client, { query: counting });
    return client;
  }
}

/** The socket of a connection, which pg's types do not name. */
function streamOf(client: object): { destroy(): void } {
  const { connection } = client as { readonly connection: { readonly stream: { destroy(): void } } };
  return connection.stream;
}

async function addressOf({ admin }: Loader): Promise<DatabaseAddress> {
  const url = new URL(process.env['MCR_TEST_DATABASE_URL'] ?? '');
  url.pathname = `/${admin.database}`;
  return { url: url.href };
}

/** Rows of the working state that nobody sees, but that a rerun must find as it was. */
async function leftovers({ rows }: Loader): Promise<readonly unknown[]> {
  return rows(`select state, count(*)::int as n from record.load where state = 'running' group by 1
    union all select 'change', count(*)::int from record.load_change having count(*) > 0`);
}

for (const [kind, second] of Object.entries(SECOND_NIGHTS)) {
  t.test(
    `a connection that breaks at any statement of a ${kind}, then a rerun, ends as an undisturbed load does`,
    async (t) => {
      const reference = await loader(t);
      await reference.load(night(1));
      const old = await visible(reference);
      await reference.load(night(2));
      const expected = await visible(reference);
      const world = await loader(t);
      await world.load(night(1));
      const address = await addressOf(world);

      const folder = writeExtract(world.root, second());
      // every statement is broken once by MCR_TEST_EVERY_STATEMENT; otherwise a spread of them
      const step = process.env['MCR_TEST_EVERY_STATEMENT'] ? 1 : 7;
      let broken = 0;
      for (let at = 4; at < 400; at += step) {
        const database = new BreakingDatabase(address, at);
        const run = world.loadFolder(folder, 'gp', { store: new PostgresLoadStore(database, 5_000) });
        const result = await run.then(
          (certificate) => certificate.result,
          () => 'failed',
        );
        await database.close();
        if (result === 'published') break;
        broken += 1;
        const seen = without(await visible(world), EARLY_OR_UNSEEN);
        // broken after the publication: what is left is only the way back
        if (seen.includes('published: 2 1 2')) break;
        t.same(seen, without(old, EARLY_OR_UNSEEN), `broken at ${at}: readers see the old`);
      }
      t.ok(broken > 5, `broken at ${broken} statements`);
      const last = await world.loadFolder(folder, 'gp');
      t.ok(last.result === 'published' || last.result === 'duplicate', last.result);
      t.same(await visible(world), expected);
      t.same(await leftovers(world), []);
    },
  );
}

/** What takes effect ahead of the load, with the epochs that it changes; and keys, which readers do not rely on. */
const EARLY_OR_UNSEEN = /^(opt-out|restriction|person|key):/;

function without(lines: readonly string[], pattern: RegExp): readonly string[] {
  return lines.filter((line) => !pattern.test(line));
}

/** Runs a load in a process of its own, which kills itself when it enters the phase. */
async function killedIn(phase: string, world: Loader, folder: string): Promise<string | null> {
  const program = fileURLToPath(new URL('./killed.js', import.meta.url));
  const child = spawn(process.execPath, [program, folder, world.root, phase], {
    env: { ...process.env, MCR_KILLED_DATABASE: (await addressOf(world)).url },
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  const [, signal] = (await once(child, 'exit')) as [number | null, string | null];
  return signal;
}

t.test('a process that is killed in any phase leaves nothing that a rerun does not mend', async (t) => {
  const reference = await loader(t);
  await reference.load(night(1));
  await reference.load(night(2));
  const expected = await visible(reference);
  const phases = ['scan', 'identify', 'map', 'copies', 'guard', 'publish'];
  const runs = phases.map((phase) => ({ phase, second: night(2) }));
  for (const { phase, second } of [...runs, { phase: 'publish', second: secondNightAsDelta() }]) {
    const world = await loader(t);
    await world.load(night(1));
    const folder = writeExtract(world.root, second);
    t.equal(await killedIn(phase, world, folder), 'SIGKILL', `${phase}, ${second.kind ?? 'full'}`);
    t.notSame(await leftovers(world), [], 'the load is there, unfinished');
    const certificate = await world.loadFolder(folder, 'gp');
    t.match(certificate, { result: 'published', undone: [2] });
    t.same(await visible(world), expected);
    t.same(await leftovers(world), []);
  }
});

t.test('a killed load leaves nothing for another extract either', async (t) => {
  const world = await loader(t);
  await world.load(night(1));
  const everything = (): Promise<unknown> =>
    world.rows(
      `select 'resource', resource_id, valid_from, valid_to from record.resource_version
       union all select 'directory', resource_id, valid_from, valid_to from record.directory_version
       union all select 'key', resource_id, load_no, deleted::int from record.resource_key order by 1, 2, 3`,
    );
  const before = await everything();
  t.equal(await killedIn('publish', world, writeExtract(world.root, night(2))), 'SIGKILL');
  t.notSame(await everything(), before);
  const again = { ...night(1), sequence: 3 };
  t.match(await world.load(again), {
    result: 'published',
    undone: [2],
    types: { Observation: { unchanged: 3, deleted: 0 } },
  });
  t.same(await everything(), before);
});

/** Lets the nth COMMIT happen, and loses the connection before its answer is heard. */
class DeafDatabase extends Database {
  commits = 0;
  readonly #deafAt: number;

  constructor(address: DatabaseAddress, deafAt: number) {
    super(address, 'mcr_record');
    this.#deafAt = deafAt;
  }

  override async connect(): Promise<Client> {
    const client = await super.connect();
    const query = client.query.bind(client) as (...values: unknown[]) => unknown;
    const counting = async (...values: unknown[]): Promise<unknown> => {
      const answer = await query(...values);
      if (values[0] !== 'commit') return answer;
      this.commits += 1;
      if (this.commits !== this.#deafAt) return answer;
      streamOf(client).destroy();
      throw new Error('The answer to COMMIT was lost.');
    };
    // COPY is a stream and no promise: it goes by
    Object.assign(client, {
      query: (...values: unknown[]) => (typeof values[0] === 'string' ? counting : query)(...values),
    });
    return client;
  }
}

t.test('a load whose COMMIT was not answered is told as what it is', async (t) => {
  const results: string[] = [];
  for (let deafAt = 1; deafAt < 40 && results.at(-1) !== 'published'; deafAt += 1) {
    const world = await loader(t);
    await world.load(night(1));
    const database = new DeafDatabase(await addressOf(world), deafAt);
    const folder = writeExtract(world.root, night(2));
    const before = await visible(world);
    const result = await world
      .loadFolder(folder, 'gp', { store: new PostgresLoadStore(database, 5_000) })
      .then(
        (certificate) => certificate.result,
        () => 'failed',
      );
    await database.close();
    results.push(result);
    const after = await visible(world);
    t.equal(after.includes('published: 2 1 2'), result === 'published', `the ${deafAt}. COMMIT: ${result}`);
    if (result === 'failed') t.same(without(after, EARLY_OR_UNSEEN), without(before, EARLY_OR_UNSEEN));
    t.equal(
      (await world.loadFolder(folder, 'gp')).result,
      result === 'published' ? 'duplicate' : 'published',
    );
    t.same(await leftovers(world), []);
  }
  t.ok(results.length > 3, results.join());
});
