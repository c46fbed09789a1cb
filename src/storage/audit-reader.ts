import type {
  AuditChunk,
  AuditReader,
  AuditSearch,
  CountedEvent,
  PlaceInLog,
  SealedRow,
  StoredEvent,
} from '../audit/reader.ts';
import { searchStatement } from './audit-search.ts';
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

  async search(wanted: AuditSearch): Promise<AuditChunk> {
    const chunks = await Promise.all(
      wanted.anyOf.map(async (conditions): Promise<AuditChunk> => {
        const { text, values } = searchStatement(wanted, conditions);
        return chunkOf(wanted, await this.#database.read({ text }, values));
      }),
    );
    const [first, second] = chunks;
    if (first !== undefined && second === undefined) return first;
    return together(wanted, chunks);
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

function chunkOf({ limit }: AuditSearch, rows: readonly (readonly unknown[])[]): AuditChunk {
  const events = rows.filter(([isEdge]) => isEdge === false).map((row) => storedEvent(row.slice(1)));
  const edge = rows.find(([isEdge]) => isEdge === true);
  const last = events.at(-1);
  if (edge !== undefined) return { events, end: { id: String(edge[1]), recorded: Number(edge[2]) } };
  return events.length === limit && last !== undefined ? { events, end: last } : { events };
}

/** Everything up to where all have been looked at: what lies beyond is read again, with what lies between. */
function together({ oldestFirst }: AuditSearch, chunks: readonly AuditChunk[]): AuditChunk {
  const order = (a: PlaceInLog, b: PlaceInLog): number =>
    (oldestFirst === true ? 1 : -1) * (a.recorded - b.recorded || (a.id < b.id ? -1 : a.id > b.id ? 1 : 0));
  const [end] = chunks.flatMap((chunk) => chunk.end ?? []).sort(order);
  const events = new Map(chunks.flatMap((chunk) => chunk.events).map((event) => [event.id, event]));
  const within = [...events.values()]
    .filter((event) => end === undefined || order(event, end) <= 0)
    .sort(order);
  return end === undefined
    ? { events: within }
    : { events: within, end: { recorded: end.recorded, id: end.id } };
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
