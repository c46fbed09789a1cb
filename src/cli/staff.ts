import { loadStaff } from '../load.ts';
import { withService } from '../wire.ts';
import { type Command, print, UsageError } from './command.ts';

export const staffCommand: Command = {
  name: 'staff',
  summary: 'link users to their own NHS numbers: staff FILE',
  usage: `mcr staff FILE

Replaces the links of the organisations that FILE names (CSV: organisation,user_id,nhs_number). Numbers are kept as
keyed hashes, and used for one thing: nobody opens their own record with a work login.`,
  async run(words) {
    const [file] = words;
    if (file === undefined || words.length > 1) throw new UsageError(this.usage);
    const counts = await withService((service) => loadStaff(service, file));
    for (const [organisation, count] of counts) print(`${organisation}: ${count} linked`);
    return 0;
  },
};
