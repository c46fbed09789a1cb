import { writeSync } from 'node:fs';
import { Journal } from '../../src/audit/journal.ts';
import { AuditWriter } from '../../src/storage/audit-writer.ts';
import { entry, later, random, SERVICE } from './occurrences.ts';

// A program for the kill tests: appends as fast as it can and prints the id of each event once it has the receipt.
//
//   node audit-appender.js <database URL> <callers>

const [, , url = '', callers = '16'] = process.argv;

const journal = new Journal({ service: SERVICE, writer: new AuditWriter({ url }), later, random });
await journal.start();

async function appendForEver(): Promise<never> {
  for (;;) {
    const { eventId } = await journal.append(entry());
    // synchronous: what is printed here has been acknowledged, whatever happens to this process next
    writeSync(1, `${eventId}\n`);
  }
}
await Promise.all(Array.from({ length: Number(callers) }, appendForEver));
