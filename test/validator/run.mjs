// An outside judge: has the R4 validator look at an answer of every kind. See README.md beside this file.
//
//   npm run check:validator [-- --keep <folder>]

import { parseArgs } from 'node:util';

const say = (line) => process.stdout.write(`${line}\n`);
const { values } = parseArgs({ options: { keep: { type: 'string' } } });
const { check } = await import('../../dist/test/validator/check.js');

const stop = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => stop.abort());

try {
  process.exitCode = await check({ ...values, say, signal: stop.signal });
} catch (error) {
  say(stop.signal.aborted ? 'Stopped.' : `The check failed: ${error.stack}`);
  process.exitCode = 2;
}
