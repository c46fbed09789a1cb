import { afterSpace, afterString, isSpace } from './json-text.ts';

/**
 * The same JSON for people to read, two spaces a level (`_pretty`, R4 http.html). Every string and number is copied as
 * it stands, so that decimals keep their digits and members their order: nothing is parsed.
 *
 * @param json valid JSON
 */
export function indented(json: string): string {
  const parts: string[] = [];
  let [at, depth] = [0, 0];
  while (at < json.length) {
    const character = json.charAt(at);
    const end = character === '"' ? afterString(json, at) : afterScalar(json, at);
    if (character === '{' || character === '[') {
      const next = afterSpace(json, end);
      if (json.charAt(next) === (character === '{' ? '}' : ']')) {
        parts.push(character, json.charAt(next));
        at = next + 1;
        continue;
      }
      depth += 1;
      parts.push(character, line(depth));
    } else if (character === '}' || character === ']') {
      depth -= 1;
      parts.push(line(depth), character);
    } else if (character === ',') parts.push(',', line(depth));
    else if (character === ':') parts.push(': ');
    else if (!isSpace(json.charCodeAt(at))) parts.push(json.slice(at, end));
    at = end;
  }
  return parts.join('');
}

/** Behind a number or a word; every other character stands for itself. */
function afterScalar(json: string, start: number): number {
  let end = start;
  while (end < json.length && /[\w.+-]/.test(json.charAt(end))) end += 1;
  return Math.max(end, start + 1);
}

function line(depth: number): string {
  return `\n${'  '.repeat(depth)}`;
}
