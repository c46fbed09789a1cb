// Arrays in PostgreSQL's binary format, for parameters of `unnest`: text literals of bodies and hashes would have to be
// escaped here and parsed there. A Buffer given to `pg` as a parameter is sent as it is.

const TEXT = 25;
const BYTEA = 17;
const SMALLINT = 21;
const TIMESTAMPTZ = 1184;
const UUID = 2950;

const HEADER_LENGTH = 20;
const NULL_LENGTH = -1;
/** Milliseconds from 1970 to 2000, where PostgreSQL's timestamps begin. */
const POSTGRES_EPOCH = Date.UTC(2000, 0, 1);

/** `bytea[]` */
export function byteaArray(values: readonly Uint8Array[]): Buffer {
  return ofBytes(BYTEA, values);
}

/** `text[]` whose texts are UTF-8 already */
export function utf8Array(values: readonly Uint8Array[]): Buffer {
  return ofBytes(TEXT, values);
}

/** `text[]`; undefined becomes null */
export function textArray(values: readonly (string | undefined)[]): Buffer {
  let longest = HEADER_LENGTH;
  for (const value of values) longest += 4 + (value === undefined ? 0 : 3 * value.length);
  const array = header(TEXT, values.length, longest);
  let offset = HEADER_LENGTH;
  for (const value of values) {
    const length = value === undefined ? NULL_LENGTH : array.write(value, offset + 4, 'utf8');
    array.writeInt32BE(length, offset);
    offset += 4 + Math.max(length, 0);
  }
  return array.subarray(0, offset);
}

/** `uuid[]`; `write` puts the 16 bytes of a UUID at an offset; undefined becomes null */
export function uuidArray(
  values: readonly (string | undefined)[],
  write: (uuid: string, target: Uint8Array, offset: number) => void,
): Buffer {
  const array = header(UUID, values.length, HEADER_LENGTH + values.length * 20);
  let offset = HEADER_LENGTH;
  for (const value of values) {
    array.writeInt32BE(value === undefined ? NULL_LENGTH : 16, offset);
    if (value !== undefined) write(value, array, offset + 4);
    offset += value === undefined ? 4 : 20;
  }
  return array.subarray(0, offset);
}

/** `smallint[]` */
export function smallintArray(values: readonly number[]): Buffer {
  const array = header(SMALLINT, values.length, HEADER_LENGTH + values.length * 6);
  for (const [i, value] of values.entries()) {
    array.writeInt32BE(2, HEADER_LENGTH + i * 6);
    array.writeInt16BE(value, HEADER_LENGTH + i * 6 + 4);
  }
  return array;
}

/** `timestamptz[]` from milliseconds since the epoch */
export function timestampArray(values: readonly number[]): Buffer {
  const array = header(TIMESTAMPTZ, values.length, HEADER_LENGTH + values.length * 12);
  for (const [i, value] of values.entries()) {
    array.writeInt32BE(8, HEADER_LENGTH + i * 12);
    array.writeBigInt64BE(BigInt(value - POSTGRES_EPOCH) * 1000n, HEADER_LENGTH + i * 12 + 4);
  }
  return array;
}

function ofBytes(elementType: number, values: readonly Uint8Array[]): Buffer {
  let length = HEADER_LENGTH;
  for (const value of values) length += 4 + value.length;
  const array = header(elementType, values.length, length);
  let offset = HEADER_LENGTH;
  for (const value of values) {
    array.writeInt32BE(value.length, offset);
    array.set(value, offset + 4);
    offset += 4 + value.length;
  }
  return array;
}

/** One dimension from 1, with nulls allowed: number of dimensions, flag, type, length, lower bound. */
function header(elementType: number, count: number, length: number): Buffer {
  const array = Buffer.allocUnsafe(length);
  array.writeInt32BE(1, 0);
  array.writeInt32BE(1, 4);
  array.writeInt32BE(elementType, 8);
  array.writeInt32BE(count, 12);
  array.writeInt32BE(1, 16);
  return array;
}
