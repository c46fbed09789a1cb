/** What FHIR's `string` may not hold: control characters other than tab and line ends, and lone surrogates. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is replaced
const UNFIT = /[\u0000-\u0008\u000b\u000c\u000e-\u001f]|\p{Surrogate}/gu;
/** What needs a second look: the above, halves of surrogate pairs, and what JSON escapes. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for
const NOT_PLAIN = /[\u0000-\u001f"\\\ud800-\udfff]/;

/** A request has no bound of its own on a description; the log has this one, in characters. */
const LONGEST = 4096;

/**
 * Text from outside as it may stand in an event: characters that neither FHIR nor PostgreSQL can hold become U+FFFD,
 * and what is longer than 4,096 characters is cut. An odd character must never be a way round the audit.
 */
export function fitText(text: string): string {
  const short = text.length > LONGEST ? text.slice(0, LONGEST) : text;
  return NOT_PLAIN.test(short) ? short.replace(UNFIT, '\ufffd') : short;
}

/** Whether there is anything to say: FHIR has no empty strings, nor blank ones. */
export function isFilled(text: string | undefined): text is string {
  return text !== undefined && /\S/.test(text);
}

/** Fit text as a canonical JSON string, quotes included. */
export function quoted(text: string): string {
  if (text.length <= LONGEST && !NOT_PLAIN.test(text)) return `"${text}"`;
  return JSON.stringify(fitText(text));
}

/** As {@link quoted}, for FHIR's `uri`, which has no white space. */
export function quotedUri(text: string): string {
  return quoted(text.replace(/\s/g, '%20'));
}
