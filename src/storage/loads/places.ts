import type { RowPlace } from '../../loads/records.ts';

/** Where a row is, as the working tables have it. */
export interface PlaceRow {
  readonly file: number;
  readonly line: number;
  readonly start: string;
  readonly length: number;
  readonly hash: Buffer;
}

export function toPlace({ file, line, start, length, hash }: PlaceRow): RowPlace {
  return { file, line, start: Number(start), length, hash };
}
