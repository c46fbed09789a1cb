import { afterSpace, afterString } from './json-text.ts';

/** What makes a text of JSON unfit, whatever its values are. */
export type NamesFault = 'too-deep' | 'named-twice' | 'name-refused';

/**
 * Looks at the names and the nesting of a text of JSON, which parsers read differently: of two members of one name some
 * keep the first, some the last (attack catalogue T-18, I-01). One pass, linear in the length, before or after parsing.
 *
 * @param deepest objects and arrays inside each other
 * @param allows judges a name, decoded and as it is written between its quotation marks
 * @returns undefined where there is nothing to say; for a text that is no JSON that means nothing
 */
export function namesFault(
  text: string,
  deepest: number,
  allows: (name: string, written: string) => boolean,
): NamesFault | undefined {
  const open: (Set<string> | undefined)[] = [];
  let at = 0;
  while (at < text.length) {
    const character = text.charAt(at);
    if (character === '"') {
      const end = afterString(text, at);
      const names = open.at(-1);
      if (names !== undefined && text.charAt(afterSpace(text, end)) === ':') {
        const written = text.slice(at + 1, end - 1);
        const name = decoded(written);
        if (!allows(name, written)) return 'name-refused';
        if (names.has(name)) return 'named-twice';
        names.add(name);
      }
      at = end;
      continue;
    }
    if (character === '{' || character === '[') {
      if (open.push(character === '{' ? new Set() : undefined) > deepest) return 'too-deep';
    } else if (character === '}' || character === ']') open.pop();
    at += 1;
  }
  return undefined;
}

/** Two spellings of a name are one name. */
function decoded(written: string): string {
  if (!written.includes('\\')) return written;
  try {
    return String(JSON.parse(`"${written}"`));
  } catch {
    return written;
  }
}
