import { parseArgs } from 'node:util';
import { generateDemonstration } from '../demonstration.ts';
import { type Command, print, progress, UsageError } from './command.ts';

export const demoCommand: Command = {
  name: 'demo',
  summary: 'generate a synthetic Buckinghamshire: demo generate FOLDER',
  usage: `mcr demo generate FOLDER [--people N] [--seed N] [--date YYYY-MM-DD] [--sequence N] [--changed SHARE]

Writes every partner's nightly extract in that partner's own format, the same bytes for the same seed.
FOLDER/cases.json names the people to look at. --changed 0.01 changes the clinical rows of 1 % of the people.`,
  async run(words) {
    const { values, positionals } = parseArgs({
      args: [...words],
      allowPositionals: true,
      options: {
        people: { type: 'string', default: '1000' },
        seed: { type: 'string', default: '1' },
        date: { type: 'string' },
        sequence: { type: 'string', default: '1' },
        changed: { type: 'string', default: '0' },
        json: { type: 'boolean', default: false },
      },
    });
    const [verb, folder] = positionals;
    const date = values.date ?? new Date().toISOString().slice(0, 10);
    const numbers = [values.people, values.seed, values.sequence, values.changed].map(Number);
    const [people = 0, seed = 0, sequence = 0, changed = 0] = numbers;
    const wrong =
      [people, seed, sequence].some((n) => !Number.isInteger(n) || n < 0) ||
      people < 1 ||
      !(changed >= 0 && changed <= 1) ||
      !/^\d{4}-\d{2}-\d{2}$/.test(date);
    if (verb !== 'generate' || folder === undefined || wrong) throw new UsageError(this.usage);
    const say = progress();
    const summary = await generateDemonstration(
      folder,
      { people, seed, businessDate: date, sequence, changed },
      (done, of) => say(`${done} of ${of} people`),
    );
    print(
      values.json ? JSON.stringify(summary) : `${summary.people} people, ${summary.rows} rows in ${folder}`,
    );
    return 0;
  },
};
