import type pg from 'pg';
import { type DatabaseAddress, newClient } from './database.ts';

/** Months that may not be retired. */
export interface LegalHold {
  readonly id: number;
  /** first days, `YYYY-MM-DD`, both included */
  readonly fromMonth: string;
  readonly toMonth: string;
  readonly placedAt: string;
  readonly placedBy: string;
  readonly reason: string;
}

/** What the login of retention may do: keep holds, and retire months. */
export class RetentionStore {
  readonly #address: DatabaseAddress;

  constructor(address: DatabaseAddress) {
    this.#address = address;
  }

  /** Those in force, oldest first. */
  async holds(): Promise<readonly LegalHold[]> {
    const { rows } = await this.#query(
      `select hold_id, from_month::text, to_month::text, placed_at, placed_by, reason from audit.legal_hold h
       where not exists (select from audit.legal_hold_lifted l where l.hold_id = h.hold_id) order by hold_id`,
      [],
    );
    return rows.map(([id, from, to, at, by, reason]) => ({
      id: Number(id),
      fromMonth: String(from),
      toMonth: String(to),
      placedAt: at instanceof Date ? at.toISOString() : String(at),
      placedBy: String(by),
      reason: String(reason),
    }));
  }

  /** @returns its number */
  async hold(fromMonth: string, toMonth: string, by: string, reason: string): Promise<number> {
    const { rows } = await this.#query(
      `insert into audit.legal_hold (from_month, to_month, placed_by, reason) values ($1, $2, $3, $4) returning hold_id`,
      [fromMonth, toMonth, by, reason],
    );
    return Number(rows[0]?.[0]);
  }

  async lift(id: number, by: string, reason: string): Promise<void> {
    await this.#query(
      'insert into audit.legal_hold_lifted (hold_id, lifted_by, reason) values ($1, $2, $3)',
      [id, by, reason],
    );
  }

  /** @throws Error where a hold, the age or the number of events forbids it: then nothing has changed */
  async retire(month: string, tombstone: string, events: number): Promise<void> {
    await this.#query('select audit.retire($1::date, $2, $3)', [month, tombstone, events]);
  }

  async #query(text: string, values: readonly unknown[]): Promise<pg.QueryArrayResult<unknown[]>> {
    const client = newClient(this.#address, 'mcr_retention', false);
    client.on('error', () => {});
    await client.connect();
    try {
      return await client.query<unknown[]>({ text, values: [...values], rowMode: 'array' });
    } finally {
      await client.end();
    }
  }
}
