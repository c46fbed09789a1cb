import { afterSpace, afterString, isSpace } from './json-text.ts';

const QUOTE = 0x22;
const COMMA = 0x2c;
const COLON = 0x3a;
/** in ASCII what closes comes two after what opens */
const OPEN_ARRAY = 0x5b;
const OPEN_OBJECT = 0x7b;

const LINES = Array.from({ length: 65 }, (_, depth) => `\n${'  '.repeat(depth)}`);

/**
 * The same JSON for people to read, two spaces a level (`_pretty`, R4 http.html). Every string and number is copied as
 * it stands, so that decimals keep their digits and members their order: nothing is parsed.
 *
 * @param json valid JSON
 */
export function indented(json: string): string {
  let [written, copied, at, depth] = ['', 0, 0, 0];
  while (at < json.length) {
    const character = json.charCodeAt(at);
    if (character === QUOTE) {
      at = afterString(json, at);
      continue;
    }
    if (isSpace(character)) {
      written += json.slice(copied, at);
      copied = afterSpace(json, at);
      at = copied;
      continue;
    }
    if (character === COLON) {
      written += `${json.slice(copied, at)}: `;
      copied = at + 1;
    } else if (character === COMMA) {
      written += `${json.slice(copied, at)},${line(depth)}`;
      copied = at + 1;
    } else if (character === OPEN_OBJECT || character === OPEN_ARRAY) {
      const next = afterSpace(json, at + 1);
      const isEmpty = json.charCodeAt(next) === character + 2;
      if (!isEmpty) depth += 1;
      written += json.slice(copied, at + 1) + (isEmpty ? json.charAt(next) : line(depth));
      copied = isEmpty ? next + 1 : next;
      at = copied;
      continue;
    } else if (character === OPEN_OBJECT + 2 || character === OPEN_ARRAY + 2) {
      depth -= 1;
      written += json.slice(copied, at) + line(depth);
      copied = at;
    }
    at += 1;
  }
  return written + json.slice(copied);
}

function line(depth: number): string {
  return LINES[depth] ?? `\n${'  '.repeat(depth)}`;
}
