/** What a narrative of ours may be made of: these elements, no attributes but those of the outermost one. */
const ELEMENTS = new Set(['p', 'table', 'thead', 'tbody', 'tr', 'th', 'td']);
const OPENING = '<div xmlns="http://www.w3.org/1999/xhtml" lang="en-GB" xml:lang="en-GB">';
/** Characters that could change how text reads, or that XML does not have; the joiners are text. */
const ODD = /(?![\u200c\u200d])[\p{Cc}\p{Cf}\p{Cs}\p{Noncharacter_Code_Point}]/u;

/** What keeps a div from being well-formed XHTML of plain elements and inert text; empty: nothing. */
export function xhtmlFaults(div: string): readonly string[] {
  if (!div.startsWith(OPENING) || !div.endsWith('</div>')) return ['no div of our own'];
  const inner = div.slice(OPENING.length, -'</div>'.length);
  const faults: string[] = [];
  const open: string[] = [];
  for (const part of inner.split(/(<[^>]*>)/)) {
    if (!part.startsWith('<')) faults.push(...textFaults(part));
    else if (part !== '<br/>') faults.push(...tagFaults(part, open));
  }
  return open.length === 0 ? faults : [...faults, `left open: ${open.join(' ')}`];
}

function tagFaults(tag: string, open: string[]): readonly string[] {
  const [, slash, name = ''] = /^<(\/?)([a-z]+)>$/.exec(tag) ?? [];
  if (!ELEMENTS.has(name)) return [`element ${tag}`];
  if (slash === '') open.push(name);
  else if (open.pop() !== name) return [`closes what is not open: ${tag}`];
  return [];
}

function textFaults(text: string): readonly string[] {
  const bare = text.replace(/&(?:amp|lt|gt|quot|#39);/g, '');
  return [
    ...(/[<>&"']/.test(bare) ? [`not escaped: ${bare}`] : []),
    ...(ODD.test(text) ? [`odd character: ${JSON.stringify(text)}`] : []),
  ];
}

/** The text that a reader sees, cells and lines apart. */
export function seen(div: string): string {
  return div
    .replace(/<[^>]*>/g, ' ')
    .replace(/&lt;/g, '<')
    .replace(/&gt;/g, '>')
    .replace(/&quot;/g, '"')
    .replace(/&#39;/g, "'")
    .replace(/&amp;/g, '&')
    .replace(/ +/g, ' ')
    .trim();
}
