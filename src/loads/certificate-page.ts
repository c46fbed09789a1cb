import type { Certificate, TypeTally } from './certificate.ts';
import { type GuardFinding, guardSentence } from './guards.ts';
import { section, table } from './markdown.ts';

/** A certificate as a page of Markdown, for the source's engineers. Pure; it says no more than the certificate does. */
export function certificatePage(certificate: Certificate): string {
  const sections = [
    heading(certificate),
    types(certificate),
    rejects(certificate),
    guards(certificate),
    people(certificate),
    sharing(certificate),
    files(certificate),
    timings(certificate),
  ];
  return `${sections.filter((section) => section !== '').join('\n\n')}\n`;
}

/** Rows rejected, by whatever rule. */
export function rejectedCount({ rejected }: Pick<TypeTally, 'rejected'>): number {
  return Object.values(rejected).reduce((sum, count) => sum + count, 0);
}

const RESULTS: Readonly<Record<Certificate['result'], string>> = {
  published: 'Published: readers see this extract.',
  duplicate: 'Nothing to do: exactly this extract was published before.',
  refused: 'Refused: the record stands as it was.',
  failed: 'Failed for a reason of ours: the record stands as it was. Load the extract again.',
  held: 'Held for a decision: the record stands as it was, but for what restricts.',
};

function heading(certificate: Certificate): string {
  const { source, result, reason, businessDate, sequence, manifest, loadNumber, publication } = certificate;
  const { sameAs, releases, undone } = certificate;
  const facts = [
    ['Load', loadNumber],
    ['Business date', businessDate],
    ['Sequence', sequence],
    ['Publication', publication],
    ['Same as load', sameAs],
    ['Releases load', releases],
    ['Crashed loads taken back', undone.length === 0 ? undefined : undone.join(', ')],
    ['Manifest (SHA-256)', manifest],
  ].flatMap(([name, value]) => (value === undefined ? [] : [`- ${name}: ${value}`]));
  const why = reason === undefined ? '' : `\n\n${reason.sentence} (${reason.rule})`;
  return `# Load certificate: ${source}\n\n${RESULTS[result]}${why}\n\n${facts.join('\n')}`;
}

function types({ types: tallies }: Certificate): string {
  const rows = Object.entries(tallies).map(([type, tally]) => [
    type,
    tally.new,
    tally.changed,
    tally.unchanged,
    tally.deleted,
    rejectedCount(tally),
    tally.withheld,
    tally.refused,
    tally.notServed,
    tally.unreferenced,
  ]);
  const columns = ['Type', 'New', 'Changed', 'Unchanged', 'Deleted', 'Rejected', 'Not shared', 'Not held'];
  return section('Rows', table([...columns, 'Not served', 'Not referred to'], rows));
}

function rejects({ types: tallies, rejectedBefore }: Certificate): string {
  const rows = Object.entries(tallies).flatMap(([type, { rejected }]) =>
    Object.entries(rejected)
      .sort(([, a], [, b]) => b - a)
      .map(([rule, count]) => [type, rule, count]),
  );
  if (rows.length === 0) return '';
  return section(
    'Rejected rows',
    `${table(['Type', 'Rule', 'Rows'], rows)}\n\nRejected before, and sent again: ${rejectedBefore}.`,
  );
}

function guards({ guards: findings }: Certificate): string {
  if (findings.length === 0) return '';
  const notable = findings.filter(({ scope, outcome }) => scope !== 'practice' || outcome !== 'within');
  const rows = notable.map((finding) => [
    name(finding),
    finding.of,
    finding.found,
    `${finding.percent} %`,
    `${finding.limit} %`,
    finding.outcome,
  ]);
  const over = findings
    .filter(({ outcome }) => outcome !== 'within')
    .map((each) => `- ${guardSentence(each)}`);
  const quiet = findings.length - notable.length;
  const more = quiet === 0 ? [] : [`Practices within their limits: ${quiet}.`];
  const head = ['Guard', 'Of', 'Found', 'Share', 'Limit', 'Outcome'];
  return section(
    'Guards',
    [table(head, rows), over.join('\n'), ...more].filter((part) => part !== '').join('\n\n'),
  );
}

function name({ guard, scope, name: of = '' }: GuardFinding): string {
  return scope === 'total' ? `${guard}, total` : `${guard}, ${scope} ${of}`;
}

function people({ identity }: Certificate): string {
  const { accepted, newPeople, unmatched, withheld, quarantined, refused } = identity;
  const rows: (readonly [string, number])[] = [
    ['accepted', accepted],
    ['of them new', newPeople],
    ['unmatched: no verified NHS number', unmatched],
    ['of organisations that have not signed', withheld],
    ...Object.entries(quarantined).map(([reason, count]) => [`quarantined: ${reason}`, count] as const),
    ...Object.entries(refused).map(([reason, count]) => [`not held: ${reason}`, count] as const),
  ];
  return section('Patients of the source', table(['State', 'Patients'], rows));
}

function sharing({ consent }: Certificate): string {
  const rows: (readonly [string, number])[] = [
    ['statements about health sharing read', consent.optOutStatements],
    ['opt-outs that took effect', consent.optedOut],
    ['agreements in force', consent.agreementsInForce],
    ['agreements that ended', consent.agreementsEnded],
    ['people restricted', consent.restricted],
    ['consents that do not count (draft, inactive, in error)', consent.ignored],
  ];
  return section('Sharing', table(['What', 'Number'], rows));
}

function files({ files: sent }: Certificate): string {
  if (sent.length === 0) return '';
  return section(
    'Files',
    table(
      ['File', 'Type', 'Rows', 'SHA-256'],
      sent.map((f) => [f.name, f.type, f.rows, f.sha256]),
    ),
  );
}

function timings({ timings: spent, peakMemoryBytes }: Certificate): string {
  const rows = spent.map(({ phase, milliseconds }) => [phase, milliseconds]);
  const peak = `Largest resident size: ${Math.round(peakMemoryBytes / 1024 / 1024)} MiB.`;
  return section('Timings', `${table(['Step', 'Milliseconds'], rows)}\n\n${peak}`);
}
