import { keepNumbersApart, loadNumberChanges, unmergeNumbers } from '../identity-desk.ts';
import { withService } from '../wire.ts';
import { type Command, print, UsageError } from './command.ts';

export const identityCommand: Command = {
  name: 'identity',
  summary: 'which NHS numbers are one person: identity load|unmerge|never-link FILE',
  usage: `mcr identity load FILE         old_number,new_number,kind,date  (kind: superseded or merged)
mcr identity unmerge FILE      old_number,new_number            takes such changes back
mcr identity never-link FILE   nhs_number,other_number          never one person, whatever else is said

Files are CSV with these columns. A file with a line that cannot be read changes nothing; each such line is named by
its number. No row of anybody's record moves: people are linked, and apart again. A change is not followed where the
two numbers' established identities contradict each other or the numbers are never to be linked. Every command is
audited.`,
  async run(words) {
    const [verb, file, ...more] = words;
    if (file === undefined || more.length > 0) throw new UsageError(this.usage);
    switch (verb) {
      case 'load':
        return linked(await withService((service) => loadNumberChanges(service, file)));
      case 'unmerge':
        return linked(await withService((service) => unmergeNumbers(service, file)));
      case 'never-link':
        print(`${await withService((service) => keepNumbersApart(service, file))} pairs are kept apart.`);
        return 0;
      default:
        throw new UsageError(this.usage);
    }
  },
};

function linked(counts: { readonly linked: number; readonly notLinked: number }): number {
  print(`${counts.linked} numbers are linked; ${counts.notLinked} changes are not followed.`);
  return 0;
}
