import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { csvLine } from '../audit/spreadsheet.ts';
import { publicKey } from '../certificate-key.ts';
import {
  certificateOf,
  recentLoads,
  refuseLoad,
  rejectedRows,
  releaseLoad,
  rememberedLoad,
  signedCertificate,
} from '../load-desk.ts';
import { certificatePage, rejectedCount } from '../loads/certificate-page.ts';
import type { LoadEntry } from '../loads/history.ts';
import { verifyCertificate } from '../loads/signature.ts';
import { withService } from '../wire.ts';
import { type Command, print, UsageError } from './command.ts';
import { loadProgress } from './progress.ts';

export const loadsCommand: Command = {
  name: 'loads',
  summary: 'past and held loads: list, show, release, refuse, certificate, verify, rejects',
  usage: `mcr loads [--source CODE] [--limit N] [--json]      newest first: state and counts
mcr loads show LOAD                                  the certificate, readable, and what was decided
mcr loads release LOAD --operator NAME --reason TEXT [--folder FOLDER] [--json]
mcr loads refuse LOAD --operator NAME --reason TEXT
mcr loads certificate LOAD [--json]                  Markdown; --json: signed (JWS, Ed25519)
mcr loads verify FILE --key PEM                      checks a signed certificate, offline, and prints it
mcr loads rejects LOAD                               rejected rows as CSV, safe in a spreadsheet

A held load waits until it is released, refused, or superseded by a later extract of its source. Releasing loads
the same extract again, from our own copy or, when that is not kept any more, from FOLDER; the guards that held it let
it pass. Both decisions are audited with NAME and TEXT. Exit code 1 where a release was not published, or a file is
not what it should be.`,
  async run(words) {
    const { values, positionals } = parseArgs({
      args: [...words],
      allowPositionals: true,
      options: {
        source: { type: 'string' },
        limit: { type: 'string', default: '30' },
        json: { type: 'boolean', default: false },
        operator: { type: 'string' },
        reason: { type: 'string' },
        folder: { type: 'string' },
        key: { type: 'string' },
      },
    });
    const [verb, subject, ...more] = positionals;
    if (more.length > 0) throw new UsageError(this.usage);
    if (verb === undefined) return list(values.source, whole(values.limit), values.json);
    if (subject === undefined) throw new UsageError(this.usage);
    switch (verb) {
      case 'show':
        return show(whole(subject));
      case 'certificate':
        return certificate(whole(subject), values.json);
      case 'verify':
        return verify(subject, values.key);
      case 'rejects':
        return rejects(whole(subject));
      case 'release':
      case 'refuse': {
        const { operator, reason } = values;
        if (operator === undefined || reason === undefined) {
          throw new UsageError(`mcr loads ${verb} needs --operator and --reason: who decides, and why.`);
        }
        return verb === 'release'
          ? release(whole(subject), { operator, reason }, values.folder, values.json)
          : refuse(whole(subject), { operator, reason });
      }
      default:
        throw new UsageError(this.usage);
    }
  },
};

function whole(text: string): number {
  if (!/^[1-9]\d{0,14}$/.test(text)) throw new UsageError('A load, and --limit, is a whole number.');
  return Number(text);
}

async function list(source: string | undefined, limit: number, json: boolean): Promise<number> {
  const entries = await withService((service) => recentLoads(service, source, limit));
  if (json) print(JSON.stringify(entries, undefined, 2));
  else for (const entry of entries) print(line(entry));
  return 0;
}

function line({ number, source, businessDate, sequence, state, certificate: loaded }: LoadEntry): string {
  const tallies = Object.values(loaded?.types ?? {});
  const sum = (count: (tally: (typeof tallies)[number]) => number): number =>
    tallies.reduce((total, tally) => total + count(tally), 0);
  const counts =
    loaded === undefined
      ? '-'
      : `new ${sum((t) => t.new)}, changed ${sum((t) => t.changed)}, unchanged ${sum((t) => t.unchanged)}, ` +
        `deleted ${sum((t) => t.deleted)}, rejected ${sum(rejectedCount)}`;
  return `${String(number).padStart(6)}  ${source.padEnd(20)} ${businessDate}  ${String(sequence).padStart(6)}  ${state.padEnd(11)} ${counts}`;
}

async function show(loadNo: number): Promise<number> {
  const entry = await withService((service) => rememberedLoad(service, loadNo));
  const { state, decision, startedAt, finishedAt } = entry;
  process.stdout.write(certificatePage(certificateOf(entry)));
  print(`\n## State\n\n${state}; began ${startedAt}, ended ${finishedAt ?? '-'}`);
  if (decision !== undefined) print(`Decided by ${decision.operator} at ${decision.at}: ${decision.reason}`);
  return 0;
}

async function certificate(loadNo: number, json: boolean): Promise<number> {
  if (json) {
    print(JSON.stringify(await withService((service) => signedCertificate(service, loadNo)), undefined, 2));
    return 0;
  }
  const entry = await withService((service) => rememberedLoad(service, loadNo));
  process.stdout.write(certificatePage(certificateOf(entry)));
  return 0;
}

async function verify(file: string, key: string | undefined): Promise<number> {
  if (key === undefined)
    throw new UsageError('mcr loads verify needs --key: the PEM file of the public key.');
  const checked = verifyCertificate(readFileSync(file, 'utf8'), publicKey(key));
  process.stdout.write(certificatePage(checked));
  print('\nThe signature is right.');
  return 0;
}

async function rejects(loadNo: number): Promise<number> {
  await withService(async (service) => {
    await rememberedLoad(service, loadNo);
    process.stdout.write(csvLine(['file', 'line', 'element', 'rule', 'hint', 'rejected_before']));
    for await (const rows of rejectedRows(service, loadNo)) {
      for (const { file, line: at, element = '', rule, hint, before } of rows) {
        process.stdout.write(csvLine([file, String(at), element, rule, hint, before ? 'yes' : 'no']));
      }
    }
  });
  return 0;
}

async function release(
  loadNo: number,
  decision: { readonly operator: string; readonly reason: string },
  folder: string | undefined,
  json: boolean,
): Promise<number> {
  const loaded = await withService((service) =>
    releaseLoad(service, loadNo, decision, folder, loadProgress()),
  );
  if (json) print(JSON.stringify(loaded, undefined, 2));
  else process.stdout.write(certificatePage(loaded));
  return loaded.result === 'published' ? 0 : 1;
}

async function refuse(
  loadNo: number,
  decision: { readonly operator: string; readonly reason: string },
): Promise<number> {
  await withService((service) => refuseLoad(service, loadNo, decision));
  print(`Load ${loadNo} is refused; the record stands as it was.`);
  return 0;
}
