import { parseArgs } from 'node:util';
import { loadExtract } from '../load.ts';
import type { Certificate } from '../loads/certificate.ts';
import { withService } from '../wire.ts';
import { type Command, print, UsageError } from './command.ts';
import { loadProgress } from './progress.ts';

export const loadCommand: Command = {
  name: 'load',
  summary: 'load an extract: load SOURCE FOLDER',
  usage: `mcr load SOURCE FOLDER [--json]

Loads the extract in FOLDER (manifest.json and the files it names) for SOURCE, and prints the certificate.
Exit code 1 when it was refused, held or failed: the previous record then stands. A held load waits for
"mcr loads release" or "mcr loads refuse".`,
  async run(words) {
    const { values, positionals } = parseArgs({
      args: [...words],
      allowPositionals: true,
      options: { json: { type: 'boolean', default: false } },
    });
    const [source, folder] = positionals;
    if (source === undefined || folder === undefined || positionals.length > 2)
      throw new UsageError(this.usage);
    const certificate = await withService((service) => loadExtract(service, source, folder, loadProgress()));
    print(values.json ? JSON.stringify(certificate, undefined, 2) : summary(certificate));
    return certificate.result === 'published' || certificate.result === 'duplicate' ? 0 : 1;
  },
};

function summary(certificate: Certificate): string {
  const { source, businessDate, result, reason, publication, loadNumber } = certificate;
  const head = `${source}${businessDate === undefined ? '' : ` ${businessDate}`}: ${result}${publication === undefined ? '' : ` as publication ${publication}`}`;
  const next =
    result === 'held' && loadNumber !== undefined
      ? `\nSee "mcr loads show ${loadNumber}", then release or refuse it.`
      : '';
  if (reason !== undefined) return `${head}\n${reason.sentence}${next}`;
  const lines = Object.entries(certificate.types).map(([type, tally]) => {
    const rejected = Object.values(tally.rejected).reduce((a, b) => a + b, 0);
    return (
      `  ${type.padEnd(20)} new ${tally.new}, changed ${tally.changed}, unchanged ${tally.unchanged}, ` +
      `deleted ${tally.deleted}, rejected ${rejected}, not shared ${tally.withheld}, not held ${tally.refused}`
    );
  });
  const columns = certificate.columns.map(
    ({ file, column, why, filled }) =>
      `  ${file}: column ${column} is ${why === 'never-held' ? 'never held: dropped' : 'not read'}, ${filled} cells filled`,
  );
  return [head, ...lines, ...columns].join('\n');
}
