import { createHash } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Json } from './shared-data.ts';

/** What must become of a row that is sent. */
export type Fate =
  /** it comes back, once for everyone it belongs to */
  | 'shown'
  /** rejected: it is no base R4 */
  | 'rejected'
  /** rejected: sound in itself, but its Patient's NHS number cannot be believed */
  | 'quarantined'
  /** loaded and shown to nobody: its label, or the person's, says so */
  | 'withheld'
  /** read and counted, kept nowhere: consents about other matters, types that are not served */
  | 'counted';

/** A row of an extract, and what is expected of it. */
export interface SentRow {
  readonly source: string;
  readonly type: string;
  /** from 1, in the file of its type */
  readonly line: number;
  /** the published file that it comes from */
  readonly from: string;
  readonly fate: Fate;
  /** NHS number of the person it belongs to; absent: nobody's, or of those who refer to it */
  readonly nhsNumber?: string;
  /** absent: the line is no JSON */
  readonly resource?: Json;
}

type NewRow = Omit<SentRow, 'source' | 'type' | 'line'>;

/** Collects one source's rows and writes them as an extract (docs/onboarding-a-source.md). */
export class Extract {
  readonly source: string;
  readonly #lines = new Map<string, string[]>();
  readonly #rows: SentRow[] = [];

  constructor(source: string) {
    this.source = source;
  }

  get rows(): readonly SentRow[] {
    return this.#rows;
  }

  add(resource: Json, row: NewRow): void {
    this.#add(String(resource['resourceType']), JSON.stringify(resource), { ...row, resource });
  }

  /** A line that is sent as it is, whatever it holds. */
  addLine(type: string, line: string, row: NewRow): void {
    this.#add(type, line, row);
  }

  /** @param day business date, `YYYY-MM-DD` */
  write(folder: string, day: string): void {
    mkdirSync(folder, { recursive: true });
    const files = [...this.#lines].map(([type, lines]) => {
      const name = `${type}.ndjson`;
      const content = `${lines.join('\n')}\n`;
      writeFileSync(join(folder, name), content);
      return { name, type, rows: lines.length, sha256: createHash('sha256').update(content).digest('hex') };
    });
    const { source } = this;
    const manifest = { format: 'fhir-ndjson', source, businessDate: day, sequence: 1, kind: 'full', files };
    writeFileSync(join(folder, 'manifest.json'), JSON.stringify(manifest));
  }

  #add(type: string, line: string, row: NewRow): void {
    const lines = this.#lines.get(type) ?? [];
    this.#lines.set(type, lines);
    lines.push(line);
    this.#rows.push({ ...row, source: this.source, type, line: lines.length });
  }
}
