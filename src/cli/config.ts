import { readConfiguration } from '../config.ts';
import { environment, packageRoot } from '../package-root.ts';
import { type Command, print, UsageError } from './command.ts';

export const configCommand: Command = {
  name: 'config',
  summary: 'check a configuration file: config check',
  usage: `mcr config check

Reads the configuration of MCR_CONFIG, or the demonstration's, and names every fault with its path.
Exit code 1 where there is one.`,
  async run(words) {
    if (words[0] !== 'check' || words.length > 1) throw new UsageError(this.usage);
    const { mode, policy, issuers } = readConfiguration(environment(), packageRoot());
    print(
      `The configuration is in order: mode ${mode}, ${policy.organisations.size} organisations, ` +
        `${policy.sources.size} sources, ${issuers.length} issuer(s), policy version ${policy.version}.`,
    );
    return 0;
  },
};
