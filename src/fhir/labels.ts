/** Security labels that restrict (v3-Confidentiality): http://hl7.org/fhir/R4/security-labels.html */

/** v3-Confidentiality, by every name it goes by: an address of any server, with or without version, and its OID. */
const CONFIDENTIALITY =
  /(?:(?:^|[/:])(?:v3[-/])?confidentiality|(?:^|[:.])2\.16\.840\.1\.113883\.5\.25)\/?(?:\|.*)?$/i;

/** Its codes that hide nothing. */
const OPEN: readonly string[] = ['U', 'L', 'M', 'N'];

/** Its codes that hide under any system: partners have systems of their own, and a label may lose its system. */
const RESTRICTED: readonly string[] = ['R', 'V'];

/**
 * Whether a label restricts what carries it: R or V of any system, and whatever says a degree of confidentiality that
 * is not known to be open, a degree without a code among them. A label that has neither system nor code says nothing
 * that can be read, and so restricts.
 *
 * @param label `system|code`, as `securityLabels` gives them; without a bar it is a code
 */
export function isRestrictedLabel(label: string): boolean {
  const bar = label.lastIndexOf('|');
  const system = bar < 0 ? '' : label.slice(0, bar);
  const code = label.slice(bar + 1);
  if (RESTRICTED.includes(code) || (system === '' && code === '')) return true;
  return CONFIDENTIALITY.test(system) && !OPEN.includes(code);
}
