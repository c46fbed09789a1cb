import { watchInboxes } from '../inbox.ts';
import { withService } from '../wire.ts';
import { type Command, print, UsageError } from './command.ts';

export const inboxCommand: Command = {
  name: 'inbox',
  summary: 'load extracts as they are delivered, until it is stopped',
  usage: `mcr inbox

Watches the folder of each source below loads.inbox.folder, and loads every extract there that is whole and at rest. It is
moved to done, refused or held, with its certificate beside it. Each of them is one line of JSON on standard output.
Ctrl-C or SIGTERM ends it, once the load that runs has ended. Several processes may watch: one of them loads a source.`,
  async run(words) {
    if (words.length > 0) throw new UsageError(this.usage);
    const stop = new AbortController();
    const end = (): void => stop.abort();
    process.once('SIGINT', end);
    process.once('SIGTERM', end);
    await withService((service) =>
      watchInboxes(
        service,
        (event) => print(JSON.stringify({ at: new Date().toISOString(), ...event })),
        stop.signal,
      ),
    );
    return 0;
  },
};
