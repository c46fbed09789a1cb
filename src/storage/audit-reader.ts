import type { AuditReader, AuditSearch, CountedEvent, SealedRow, StoredEvent } from '../audit/reader.ts';
import type { Database, Statement } from './database.ts';

const COLUMNS = 'event_id, (extract(epoch from recorded) * 1000)::bigint, person_id, organisation, body';

const EVENT: Statement = {
  name: 'audit-event',
  text: `select ${COLUMNS} from audit.event where event_id = $1::uuid limit 1`,
};

const SEALED: Statement = {
  name: 'audit-sealed',
  text: `
select event_id::text, (extract(epoch from recorded) * 1000)::float8, kind, outcome, request_id, person_id::text, client, agent,
  organisation, purpose, salt, leaf, manifest, body from audit.event where event_id = $1::uuid limit 1`,
};

const COUNTED: Statement = {
  name: 'audit-counted',
  text: `
select asked::text, (extract(epoch from recorded) * 1000)::bigint, organisation, agent, client from audit.event
where month between $2::date and $3::date and recorded >= $1::timestamptz and asked is not null order by recorded`,
};

/** The audit log as the auditor's role reads it: bodies exactly as they were hashed. */
export class StoredAuditReader implements AuditReader {
  readonly #database: Database;

  /** @param database connections as `mcr_auditor`, to the primary: a standby may lag behind what was disclosed */
  constructor(database: Database) {
    this.#database = database;
  }

  async search(wanted: AuditSearch): Promise<readonly StoredEvent[]> {
    const { statement, values } = searchStatement(wanted);
    return (await this.#database.read(statement, values)).map(storedEvent);
  }

  async counted(from: number, now: number): Promise<readonly CountedEvent[]> {
    const [first, last] = [from, now + AHEAD].map((time) => new Date(time).toISOString());
    const rows = await this.#database.read(COUNTED, [first, monthOf(first ?? ''), monthOf(last ?? '')]);
    return rows.map(([asked, at, organisation, agent, client]) => ({
      asked: String(asked),
      at: Number(at),
      client: typeof client === 'string' ? client : '',
      ...(typeof organisation === 'string' ? { organisation } : {}),
      ...(typeof agent === 'string' ? { agent } : {}),
    }));
  }

  async event(id: string): Promise<StoredEvent | undefined> {
    const [row] = await this.#database.read(EVENT, [id]);
    return row === undefined ? undefined : storedEvent(row);
  }

  async sealed(id: string): Promise<SealedRow | undefined> {
    const [row] = await this.#database.read(SEALED, [id]);
    return row === undefined ? undefined : sealedRow(row);
  }
}

/** The clocks of other processes may be ahead of ours, milliseconds. */
const AHEAD = 60_000;

/** A statement for each set of conditions, each with its own name and so its own plan. */
function searchStatement(wanted: AuditSearch): { statement: Statement; values: readonly unknown[] } {
  const from = new Date(wanted.from).toISOString();
  const to = new Date(wanted.to).toISOString();
  const values: unknown[] = [from, to, monthOf(from), monthOf(to), wanted.limit];
  // the months let PostgreSQL leave partitions out
  let conditions =
    'month between $3::date and $4::date and recorded >= $1::timestamptz and recorded < $2::timestamptz';
  let name = 'audit-search';
  const where = (key: string, condition: (place: string) => string, value: unknown): void => {
    if (value === undefined) return;
    values.push(value);
    name += `-${key}`;
    conditions += ` and ${condition(`$${values.length}`)}`;
  };
  const { after } = wanted;
  where('persons', (place) => `person_id = any(${place}::uuid[])`, wanted.personIds);
  where('organisation', (place) => `organisation = ${place}::text`, wanted.organisation);
  where('ids', (place) => `event_id = any(${place}::uuid[])`, wanted.ids);
  where('request', (place) => `request_id = ${place}::text`, wanted.requestId);
  if (after !== undefined) {
    values.push(new Date(after.recorded).toISOString(), after.id);
    name += '-after';
    conditions += ` and (recorded, event_id) < ($${values.length - 1}::timestamptz, $${values.length}::uuid)`;
  }
  const text = `select ${COLUMNS} from audit.event where ${conditions} order by recorded desc, event_id desc limit $5`;
  return { statement: { name, text }, values };
}

function monthOf(instant: string): string {
  return `${instant.slice(0, 7)}-01`;
}

function storedEvent(row: readonly unknown[]): StoredEvent {
  const [id, recorded, personId, organisation, body] = row;
  return {
    id: String(id),
    recorded: Number(recorded),
    ...(typeof personId === 'string' ? { personId } : {}),
    ...(typeof organisation === 'string' ? { organisation } : {}),
    body: String(body),
  };
}

function sealedRow(row: readonly unknown[]): SealedRow {
  const [eventId, recorded, kind, outcome, requestId, ...rest] = row;
  const [personId, client, agent, organisation, purpose, salt, leaf, manifest, body] = rest;
  return {
    eventId: String(eventId),
    recorded: Number(recorded),
    kind: String(kind),
    outcome: Number(outcome),
    requestId: String(requestId),
    ...(typeof personId === 'string' ? { personId } : {}),
    ...(typeof client === 'string' ? { client } : {}),
    ...(typeof agent === 'string' ? { agent } : {}),
    ...(typeof organisation === 'string' ? { organisation } : {}),
    ...(typeof purpose === 'string' ? { purpose } : {}),
    salt: bytesOf(salt),
    leaf: bytesOf(leaf),
    manifest: bytesOf(manifest),
    body: String(body),
  };
}

function bytesOf(value: unknown): Buffer {
  if (!Buffer.isBuffer(value)) throw new Error('The audit log was not read as it is written.');
  return value;
}
