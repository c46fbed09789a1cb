import { policyDocument } from '../access/policy-document.ts';
import { RULES } from '../access/rules.ts';
import { type Command, UsageError } from './command.ts';

export const policyCommand: Command = {
  name: 'policy',
  summary: 'print the rules of access as a document (docs/policy.md)',
  usage: 'mcr policy\n\nPrints docs/policy.md, made from the rules themselves.',
  async run(words) {
    if (words.length > 0) throw new UsageError(this.usage);
    process.stdout.write(policyDocument(RULES));
    return 0;
  },
};
