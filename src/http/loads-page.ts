import { createHash } from 'node:crypto';
import { headerParts } from './header-list.ts';

/** What operators see of sources and their loads, as a page. Names, times and counts, nothing about a person. */

export interface SourceSight {
  readonly source: string;
  readonly name: string;
  readonly published?: LoadSight;
  /** since it last published */
  readonly ageSeconds?: number;
  /** the first promised arrival that was missed */
  readonly lateSince?: string;
  readonly stale: boolean;
  readonly held: number;
  /** loads that wait for a decision, newest first */
  readonly waiting: readonly (LoadSight & { readonly guards: readonly string[] })[];
  readonly running?: LoadSight & { readonly progress?: ProgressSight };
  readonly last?: LoadSight;
  /** the newest few, newest first */
  readonly recent: readonly LoadSight[];
}

export interface LoadSight {
  readonly load: number;
  readonly state: string;
  readonly businessDate: string;
  readonly sequence: number;
  readonly startedAt: string;
  readonly finishedAt?: string;
  /** why it was refused or held */
  readonly rule?: string;
  readonly rows?: number;
  readonly counts?: Readonly<Record<'new' | 'changed' | 'unchanged' | 'deleted' | 'rejected', number>>;
}

/** `done` and `total` are rows, or bytes while staging. */
export interface ProgressSight {
  readonly phase: string;
  readonly done: number;
  readonly total: number;
  readonly updatedAt: string;
  /** of the phase, once it has run long enough to say */
  readonly perSecond?: number;
  readonly secondsLeft?: number;
}

const STYLE = `body{font:1rem/1.5 sans-serif;margin:1.5rem;color:#212b32;background:#fff}
table{border-collapse:collapse;margin:0 0 2rem;width:100%}
caption{text-align:left;font-weight:bold;padding:.5rem 0}
th,td{text-align:left;vertical-align:top;padding:.35rem .6rem;border-bottom:1px solid #aeb7bd}
td.n,th.n{text-align:right;font-variant-numeric:tabular-nums}
.bad{color:#a20013;font-weight:bold}
code{background:#f0f4f5;padding:.1rem .3rem}`;

/** Nothing but the one style sheet, by its hash: no script, no form, no other origin. */
export const LOADS_PAGE_POLICY = [
  "default-src 'none'",
  `style-src 'sha256-${createHash('sha256').update(STYLE).digest('base64')}'`,
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join(';');

/** Whether a client asks for a page before anything else: a browser does, a program that takes anything gets JSON. */
export function wantsPage(accept: string | undefined): boolean {
  const quality = (type: string): number => {
    const range = headerParts((accept ?? '').toLowerCase(), ',')
      .map((each) => headerParts(each, ';'))
      .find(([name]) => name === type);
    if (range === undefined) return 0;
    const q = range.find((parameter) => parameter.startsWith('q='))?.slice(2) ?? '1';
    return Number(q) || 0;
  };
  const page = quality('text/html');
  return page > 0 && page >= quality('application/json');
}

/** @param now milliseconds since the epoch */
export function loadsPage(sources: readonly SourceSight[], now: number): string {
  return `<!doctype html>
<html lang="en-GB"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Loads: My Care Record</title><style>${STYLE}</style></head><body>
<h1>Loads</h1>
<p>As of ${instant(new Date(now).toISOString())}. Names, times and counts; no personal data. Load the page again for what is now.</p>
${held(sources)}${running(sources)}${overview(sources)}${recent(sources)}</body></html>
`;
}

function held(sources: readonly SourceSight[]): string {
  const rows = sources.flatMap(({ source, waiting }) =>
    waiting.map((load) => [
      text(source),
      number(load.load),
      text(load.businessDate),
      instant(load.startedAt),
      text(load.guards.join(', ') || '-'),
      `<code>mcr loads show ${load.load}</code><br><code>mcr loads release ${load.load} --operator NAME --reason TEXT</code><br><code>mcr loads refuse ${load.load} --operator NAME --reason TEXT</code>`,
    ]),
  );
  if (rows.length === 0) return '';
  return table(
    'Held: each waits for a decision',
    ['Source', '#Load', 'Business date', 'Began', 'Held by', 'To look, release or refuse'],
    rows,
  );
}

function running(sources: readonly SourceSight[]): string {
  const rows = sources.flatMap(({ source, running: load }) => {
    if (load === undefined) return [];
    const { phase = '-', done, total, perSecond, secondsLeft } = load.progress ?? {};
    const unit = phase === 'stage' ? 'bytes' : 'rows';
    return [
      [
        text(source),
        number(load.load),
        text(load.businessDate),
        instant(load.startedAt),
        text(phase),
        done === undefined ? '-' : `${number(done)}${total ? ` of ${number(total)}` : ''} ${unit}`,
        perSecond === undefined ? '-' : `${number(perSecond)} a second`,
        secondsLeft === undefined ? '-' : span(secondsLeft),
      ],
    ];
  });
  if (rows.length === 0) return '<p>No load is running.</p>\n';
  const head = ['Source', '#Load', 'Business date', 'Began', 'Phase', '#Done', '#Rate', '#Time left'];
  return table('Running', head, rows);
}

function overview(sources: readonly SourceSight[]): string {
  const rows = sources.map(({ source, name, published, ageSeconds, lateSince, stale }) => [
    `${text(name)} <code>${text(source)}</code>`,
    states(published, lateSince, stale),
    text(published?.businessDate ?? '-'),
    published?.finishedAt === undefined ? '-' : instant(published.finishedAt),
    ageSeconds === undefined ? '-' : span(ageSeconds),
    number(published?.rows),
    number(published?.counts?.rejected),
  ]);
  const head = ['Source', 'State', 'Business date', 'Published', '#Age', '#Rows', '#Rejected'];
  return table('Sources: what readers see', head, rows);
}

function states(published: LoadSight | undefined, lateSince: string | undefined, stale: boolean): string {
  const said = [
    ...(published === undefined ? ['never loaded'] : stale ? ['stale'] : []),
    ...(lateSince === undefined ? [] : [`late since ${instant(lateSince)}`]),
  ];
  return said.length === 0 ? 'current' : said.map((each) => `<span class="bad">${each}</span>`).join('<br>');
}

function recent(sources: readonly SourceSight[]): string {
  const rows = sources
    .flatMap(({ source, recent: loads }) => loads.map((load) => ({ source, ...load })))
    .sort((a, b) => b.load - a.load)
    .map(({ source, load, state, rule, businessDate, startedAt, finishedAt, rows: sent, counts }) => [
      number(load),
      text(source),
      `${text(state)}${rule === undefined ? '' : ` (${text(rule)})`}`,
      text(businessDate),
      instant(startedAt),
      finishedAt === undefined ? '-' : span((Date.parse(finishedAt) - Date.parse(startedAt)) / 1000),
      number(sent),
      number(counts?.new),
      number(counts?.changed),
      number(counts?.unchanged),
      number(counts?.deleted),
      number(counts?.rejected),
    ]);
  const counted = ['#Rows', '#New', '#Changed', '#Unchanged', '#Deleted', '#Rejected'];
  const head = ['#Load', 'Source', 'State', 'Business date', 'Began', '#Took', ...counted];
  return table('Last loads', head, rows);
}

/** @param head a name that begins with `#` is that of a column of numbers; @param rows cells of HTML */
function table(caption: string, head: readonly string[], rows: readonly (readonly string[])[]): string {
  const kind = (index: number): string => (head[index]?.startsWith('#') === true ? ' class="n"' : '');
  const names = head.map(
    (name, index) => `<th scope="col"${kind(index)}>${text(name.replace('#', ''))}</th>`,
  );
  const lines = rows.map(
    (cells) => `<tr>${cells.map((cell, index) => `<td${kind(index)}>${cell}</td>`).join('')}</tr>`,
  );
  return `<table><caption>${text(caption)}</caption><thead><tr>${names.join('')}</tr></thead>\n<tbody>${lines.join('\n')}</tbody></table>\n`;
}

const ESCAPES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

function text(value: string): string {
  return value.replace(/[&<>"']/g, (character) => ESCAPES[character] ?? '');
}

function number(value: number | undefined): string {
  return value === undefined ? '-' : text(Math.round(value).toLocaleString('en-GB'));
}

function instant(iso: string): string {
  return `<time datetime="${text(iso)}">${text(iso.slice(0, 16).replace('T', ' '))} UTC</time>`;
}

function span(seconds: number): string {
  const whole = Math.max(0, Math.ceil(seconds));
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  if (whole < 172_800) return `${Math.floor(whole / 3600)} h ${Math.floor((whole % 3600) / 60)} min`;
  return `${Math.floor(whole / 86_400)} days`;
}
