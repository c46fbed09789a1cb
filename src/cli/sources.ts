import { parseArgs } from 'node:util';
import { comparisonPage, previewPage } from '../loads/preview/page.ts';
import { previewSharing } from '../preview.ts';
import { sourceStates, withService } from '../wire.ts';
import { type Command, print, UsageError } from './command.ts';
import { loadProgress } from './progress.ts';

export const sourcesCommand: Command = {
  name: 'sources',
  summary: 'what each source last published; what an extract would share: preview',
  usage: `mcr sources [--json]
mcr sources preview SOURCE FOLDER [--policy FILE] [--json]

For every configured source: its state, the business date and time of its last published load, and its name. Late: an
extract was promised by a time that has passed. Stale: the last load is older than the source allows. Exit code 1 where a
source is late, stale or was never loaded.

preview reads the extract in FOLDER as a load would, and says what the sharing policy of SOURCE shares and withholds of it:
per type rows shared, withheld, not to be held and rejected, by reason, and elements left out, by path. It writes nothing
to the record, needs no database, and holds no personal data: counts, types, codes of the policy, element paths, files and
line numbers. FILE holds a proposed policy, the "shares" object of the source's entry in the configuration: both are read,
and what would change is shown first. Exit code 1 where a load would refuse the extract.`,
  async run(words) {
    const { values, positionals } = parseArgs({
      args: [...words],
      allowPositionals: true,
      options: { json: { type: 'boolean', default: false }, policy: { type: 'string' } },
    });
    const [verb, source, folder, ...more] = positionals;
    if (verb !== undefined) {
      if (verb !== 'preview' || source === undefined || folder === undefined || more.length > 0)
        throw new UsageError(this.usage);
      return preview(source, folder, values.policy, values.json);
    }
    if (values.policy !== undefined) throw new UsageError(this.usage);
    const states = await withService(sourceStates);
    if (values.json) print(JSON.stringify(states, undefined, 2));
    else {
      for (const { code, name, businessDate, publishedAt, state, lateSince } of states) {
        print(
          `${code.padEnd(20)} ${state.padEnd(13)} ${businessDate ?? '-'}  ${publishedAt ?? '-'}  ${name}` +
            (lateSince === undefined ? '' : `  late since ${lateSince}`),
        );
      }
    }
    return states.every((one) => one.state === 'current') ? 0 : 1;
  },
};

async function preview(
  source: string,
  folder: string,
  policy: string | undefined,
  json: boolean,
): Promise<number> {
  const { configured, proposed } = await previewSharing(source, folder, policy, loadProgress());
  if (json)
    print(JSON.stringify(proposed === undefined ? configured : { configured, proposed }, undefined, 2));
  else if (proposed === undefined) process.stdout.write(previewPage(configured));
  else {
    process.stdout.write(`${comparisonPage(configured, proposed)}\n`);
    process.stdout.write(`${previewPage(configured, 'Preview, policy as configured')}\n`);
    process.stdout.write(previewPage(proposed, 'Preview, policy as proposed'));
  }
  return (proposed ?? configured).result === 'read' ? 0 : 1;
}
