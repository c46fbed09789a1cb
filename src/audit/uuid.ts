const UUID_TEXT_LENGTH = 36;
const HYPHENS: ReadonlySet<number> = new Set([8, 13, 18, 23]);

/** Value of each ASCII hexadecimal digit; 255 for everything else. */
const DIGIT = new Uint8Array(128).fill(255);
for (const [value, digit] of [...'0123456789abcdef'].entries()) {
  DIGIT[digit.charCodeAt(0)] = value;
  DIGIT[digit.toUpperCase().charCodeAt(0)] = value;
}

/** Positions of the two digits of each byte in the text. */
const PAIRS: readonly number[] = Array.from({ length: UUID_TEXT_LENGTH }, (_, i) => i).filter(
  (i) => !HYPHENS.has(i),
);

/**
 * Writes the 16 bytes of a UUID, as RFC 9562 orders them, to `target` at `offset`. Written out because a disclosure of
 * a whole record does it for every resource.
 *
 * @throws RangeError when the text is not a UUID
 */
export function writeUuid(uuid: string, target: Uint8Array, offset: number): void {
  let valid = uuid.length === UUID_TEXT_LENGTH;
  for (let byte = 0; byte < 16; byte += 1) {
    const high = DIGIT[uuid.charCodeAt(PAIRS[2 * byte] as number)] ?? 255;
    const low = DIGIT[uuid.charCodeAt(PAIRS[2 * byte + 1] as number)] ?? 255;
    if (high === 255 || low === 255) valid = false;
    target[offset + byte] = (high << 4) | low;
  }
  for (const position of HYPHENS) {
    if (uuid.charCodeAt(position) !== 0x2d) valid = false;
  }
  if (!valid) throw new RangeError('Not a UUID.');
}

/** The text, in lower case, of the UUID whose 16 bytes begin at `offset`. */
export function readUuid(source: Uint8Array, offset: number): string {
  const hex = Buffer.from(source.buffer, source.byteOffset + offset, 16).toString('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}

/** The 16 bytes of a UUID. @throws RangeError when the text is not one */
export function uuidBytes(uuid: string): Buffer {
  const bytes = Buffer.allocUnsafe(16);
  writeUuid(uuid, bytes, 0);
  return bytes;
}
