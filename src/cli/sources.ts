import { parseArgs } from 'node:util';
import { sourceStates, withService } from '../wire.ts';
import { type Command, print } from './command.ts';

export const sourcesCommand: Command = {
  name: 'sources',
  summary: 'what each source last published',
  usage: `mcr sources [--json]

For every configured source: its state, the business date and time of its last published load, and its name. Late: an
extract was promised by a time that has passed. Stale: the last load is older than the source allows. Exit code 1 where a
source is late, stale or was never loaded.`,
  async run(words) {
    const { values } = parseArgs({
      args: [...words],
      options: { json: { type: 'boolean', default: false } },
    });
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
