/**
 * A header's value cut at separators, which count for nothing inside quotation marks (RFC 9110, 5.6). White space
 * around the parts is taken away; a part that is not closed goes to the end.
 *
 * @param separators single characters
 */
export function headerParts(value: string, separators: string): readonly string[] {
  const parts: string[] = [];
  let [start, quoted] = [0, false];
  for (let at = 0; at < value.length; at += 1) {
    const character = value.charAt(at);
    if (character === '"') quoted = !quoted;
    else if (quoted && character === '\\') at += 1;
    else if (!quoted && separators.includes(character)) {
      parts.push(value.slice(start, at).trim());
      start = at + 1;
    }
  }
  parts.push(value.slice(start).trim());
  return parts;
}
