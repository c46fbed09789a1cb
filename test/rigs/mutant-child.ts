import { register } from 'node:module';
import { sealedLog } from '../support/sealed-log.ts';
import { corpus, judgement } from './mutant-judge.ts';

/**
 * Judges mutants that its parent names: each is loaded beside the real modules, under a query of its own, by the hooks
 * of `mutant-hooks.ts`.
 */
register('./mutant-hooks.js', import.meta.url);

const log = sealedLog(9);
const logs = corpus(log);
const expected = await judgement(log, logs);
let number = 0;

process.on('message', (message: { readonly file: string; readonly place: string }) => {
  void judge(message).then((caught) => process.send?.(caught ? 'caught' : 'survived'));
});
process.send?.('ready');

async function judge({ file, place }: { readonly file: string; readonly place: string }): Promise<boolean> {
  number += 1;
  try {
    const query = `mutant=${number}&file=${file}&place=${encodeURIComponent(place)}`;
    const module = (await import(`./mutant-judge.js?${query}`)) as { judgement: typeof judgement };
    return (await module.judgement(log, logs)) !== expected;
  } catch {
    return true;
  }
}
