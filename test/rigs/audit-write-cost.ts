import { randomBytes, randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { after, chain, type Position } from '../../src/audit/batch.ts';
import { seal } from '../../src/audit/seal.ts';
import { AuditWriter } from '../../src/storage/audit-writer.ts';
import { entry, SERVICE, STAFF } from '../support/occurrences.ts';
import { randomNumbers } from './audit-year.ts';
import { Ground } from './ground.ts';

/** What PostgreSQL spends on an event, with the indexes of audit searches and with those there were before. */
const { values } = parseArgs({
  options: {
    events: { type: 'string', default: '4000' },
    windows: { type: 'string', default: '9' },
    drop: { type: 'string' },
  },
});
const [EVENTS, WINDOWS] = [Number(values.events), Number(values.windows)];
const BATCH = 40;
/** Written before anything is measured, so that the indexes have more than one page. */
const BEFORE = 40_000;

const NEW = [
  'event_by_agent',
  'event_by_request',
  'event_by_organisation_code',
  'event_refused',
  'event_of_unusual_purpose',
  'event_of_unusual_kind',
];
/** As it was; or, to see what one index costs, without that alone (`--drop event_by_request`). */
const AS_BEFORE =
  values.drop === undefined
    ? `drop index ${NEW.map((name) => `audit.${name}`).join(', ')};
       create index event_by_organisation on audit.event (organisation, recorded) where organisation is not null`
    : `drop index audit.${values.drop}`;

const say = (line: string): void => void process.stdout.write(`${line}\n`);

class Side {
  readonly name: string;
  readonly #ground: Ground;
  readonly #random = randomNumbers(7);
  readonly #writer: AuditWriter;
  #position: Position;
  #pid = 0;

  private constructor(ground: Ground, name: string, writer: AuditWriter, position: Position) {
    [this.#ground, this.name, this.#writer, this.#position] = [ground, name, writer, position];
  }

  static async make(ground: Ground, name: string, change: string): Promise<Side> {
    await ground.copy(name, 'migrated');
    if (change !== '') await ground.sql(name, change);
    const writer = new AuditWriter({ url: ground.url(name) });
    const { position } = await writer.resume();
    const side = new Side(ground, name, writer, position);
    const [row] = await ground.sql(
      name,
      `select pid from pg_stat_activity where datname = '${name}' and application_name = 'my-care-record mcr_journal'`,
    );
    side.#pid = Number(row?.['pid']);
    await side.write(BEFORE);
    return side;
  }

  async write(events: number): Promise<void> {
    for (let written = 0; written < events; written += BATCH) {
      const sealed = Array.from({ length: BATCH }, () => {
        const user = `user-${Math.floor(this.#random() * 4000)}`;
        const one = entry(
          { caller: { ...STAFF, subject: user, user: { id: user, name: 'Dr Example' } } },
          10,
        );
        const at = Math.max(one.occurrence.at, this.#position.recorded);
        return seal(one, SERVICE, at, randomBytes(16));
      });
      const batch = chain(this.#position, randomUUID(), sealed);
      const { outcome } = await this.#writer.write(batch);
      if (outcome !== 'committed') throw new Error(`The batch was ${outcome}.`);
      this.#position = after(batch);
    }
  }

  /** @returns microseconds of the writer's backend, and bytes of WAL, for an event */
  async measure(): Promise<{ readonly cpu: number; readonly wal: number }> {
    await this.#ground.sql('postgres', 'checkpoint');
    const [cpu, wal] = [this.#cpu(), await this.#wal()];
    await this.write(EVENTS);
    return { cpu: (this.#cpu() - cpu) / EVENTS, wal: ((await this.#wal()) - wal) / EVENTS };
  }

  async size(): Promise<number> {
    const [row] = await this.#ground.sql(
      this.name,
      "select sum(pg_indexes_size(relid)) / (select count(*) from audit.event) as bytes from pg_partition_tree('audit.event')",
    );
    return Number(row?.['bytes']);
  }

  close(): Promise<void> {
    return this.#writer.release();
  }

  /** Time that the kernel counts for the backend, in microseconds: its ticks are hundredths of a second. */
  #cpu(): number {
    const fields = readFileSync(`/proc/${this.#pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
    return (Number(fields[11]) + Number(fields[12])) * 10_000;
  }

  async #wal(): Promise<number> {
    const [row] = await this.#ground.sql('postgres', "select pg_current_wal_lsn() - '0/0' as bytes");
    return Number(row?.['bytes']);
  }
}

function told(numbers: readonly number[], digits: number): string {
  const sorted = [...numbers].sort((a, b) => a - b);
  const at = (share: number): string =>
    (sorted[Math.floor(share * (sorted.length - 1))] ?? 0).toFixed(digits);
  return `${at(0.5)} (${at(0)} to ${at(1)})`;
}

async function main(): Promise<void> {
  const ground = await Ground.make();
  try {
    const [now, before] = [await Side.make(ground, 'now', ''), await Side.make(ground, 'before', AS_BEFORE)];
    const measured = [];
    for (let window = 0; window < WINDOWS; window += 1) {
      // one after the other, and each first in its turn
      const [one, other] = window % 2 === 0 ? [before, now] : [now, before];
      const [a, b] = [await one.measure(), await other.measure()];
      measured.push(one === before ? { before: a, now: b } : { before: b, now: a });
    }
    say(`${WINDOWS} windows of ${EVENTS} events in batches of ${BATCH}: median (least to most)`);
    for (const side of ['before', 'now'] as const) {
      const cpu = told(
        measured.map((each) => each[side].cpu),
        1,
      );
      const wal = told(
        measured.map((each) => each[side].wal),
        0,
      );
      const size = await (side === 'now' ? now : before).size();
      say(
        `${side.padEnd(7)} ${cpu} us of PostgreSQL, ${wal} bytes of WAL, ${size.toFixed(0)} bytes of indexes an event`,
      );
    }
    say(
      `ratio   ${told(
        measured.map((each) => each.now.cpu / each.before.cpu),
        2,
      )} of the time`,
    );
    await Promise.all([now.close(), before.close()]);
  } finally {
    await ground.close();
  }
}

await main();
