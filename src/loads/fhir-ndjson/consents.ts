import { createHash } from 'node:crypto';
import { londonDay } from '../../fhir/london.ts';
import { dateRange } from '../../fhir/search/date.ts';
import {
  type AgreementStatement,
  type ConsentReading,
  type ConsentStatement,
  type OptOutStatement,
  readConsentStatement,
} from '../consent-statement.ts';
import type { ConsentHarvest, LoadContext } from '../context.ts';
import type { CareStanding, LimitedOptOut, OptOutRecord, RowPlace } from '../records.ts';
import type { StagedFile } from '../staging.ts';
import { agreementInForce, covers, laterOptOut } from '../standing.ts';
import { pagesOf, rowBatches } from './batches.ts';
import type { ReadRow } from './row.ts';
import type { AlwaysRead } from './scan.ts';

/**
 * What the extract says about sharing, read anew every night: consents are few, and each must count even where the row
 * is as it was but the person behind it, or the day, is another. One statement per person is held in memory.
 */
export async function readConsents(
  context: LoadContext,
  always: AlwaysRead,
  read: ReadRow,
): Promise<ConsentHarvest> {
  const reader = new ConsentReader(context, read);
  for (const [file, places] of always.consents) await reader.read(file, places);
  const isCare = context.source.sector === 'social-care';
  const open = isCare ? await receivingCare(context, always.care, read) : new Set<string>();
  return {
    optOuts: reader.optOuts(),
    limitedOptOuts: reader.limitedOptOuts,
    standings: isCare ? reader.standings(open) : [],
    optOutStatements: reader.optOutStatements,
    ignored: reader.ignored,
    agreementsWhole: context.files.some((file) => file.type === 'Consent'),
  };
}

interface LineBytes {
  readonly line: number;
  readonly bytes: Buffer;
}

class ConsentReader {
  readonly #context: LoadContext;
  readonly #readRow: ReadRow;
  readonly #optOuts = new Map<string, OptOutRecord>();
  readonly #agreements = new Map<string, AgreementStatement[]>();
  readonly limitedOptOuts: LimitedOptOut[] = [];
  optOutStatements = 0;
  ignored = 0;

  constructor(context: LoadContext, read: ReadRow) {
    this.#context = context;
    this.#readRow = read;
  }

  async read(file: StagedFile, places: readonly RowPlace[]): Promise<void> {
    for await (const batch of rowBatches(file, pagesOf(places))) {
      const statements = batch.flatMap(({ place, bytes }) => {
        const statement = this.#statement(file, { line: place.line, bytes });
        return statement === undefined ? [] : [{ statement, row: { line: place.line, bytes } }];
      });
      await this.#take(file, statements);
      await this.#context.rejects.flush();
    }
  }

  optOuts(): readonly OptOutRecord[] {
    return [...this.#optOuts.values()];
  }

  standings(open: ReadonlySet<string>): readonly CareStanding[] {
    const { manifest, preparer } = this.#context;
    return [...new Set([...this.#agreements.keys(), ...open])].map((localId) => {
      const statements = this.#agreements.get(localId) ?? [];
      const agreement = agreementInForce(statements, manifest.businessDate);
      const said: Pick<CareStanding, 'localId' | 'stated'> =
        statements.length === 0 ? { localId } : { localId, stated: agreement ? 'given' : 'not-given' };
      if (!open.has(localId)) return { ...said, refusal: 'closed-case' };
      if (agreement === undefined) return { ...said, refusal: 'no-agreement' };
      const resourceId = preparer.id('Consent', agreement.sourceId);
      return { ...said, agreement: { ...agreement, resourceId } };
    });
  }

  #statement(file: StagedFile, row: LineBytes): ConsentStatement | undefined {
    const { source, manifest } = this.#context;
    const reading = this.#readRow(row.bytes, file);
    const json = reading.ok ? reading.resource : reading.json;
    const read: ConsentReading = readConsentStatement(json, reading.ok, manifest.businessDate);
    // a faulty Observation is rejected where Observations are
    const isConsent = file.type === 'Consent';
    if (read.kind === 'statement' && !source.speaksFor.includes(read.statement.about)) {
      if (isConsent)
        this.#reject(file, row, 'not-entitled', 'a source that may not speak for this kind of data');
      return undefined;
    }
    if (isConsent && !reading.ok)
      this.#reject(file, row, reading.fault.rule, reading.fault.hint, reading.fault.element);
    else if (isConsent && read.kind === 'fault')
      this.#reject(file, row, read.rule, 'states nothing that can be kept');
    else if (isConsent && read.kind === 'ignored') this.ignored += 1;
    return read.kind === 'statement' ? read.statement : undefined;
  }

  async #take(
    file: StagedFile,
    found: readonly { readonly statement: ConsentStatement; readonly row: LineBytes }[],
  ): Promise<void> {
    const { session } = this.#context;
    const numbers = await session.patients.numbers([
      ...new Set(found.map(({ statement }) => statement.localId)),
    ]);
    for (const { statement, row } of found) {
      if (statement.about === 'social-care') {
        const known = this.#agreements.get(statement.localId);
        if (known === undefined) this.#agreements.set(statement.localId, [statement]);
        else known.push(statement);
        continue;
      }
      const nhsNumber = numbers.get(statement.localId);
      if (nhsNumber !== undefined) this.#optOut(nhsNumber, statement);
      else if (file.type === 'Consent') {
        this.#reject(
          file,
          row,
          'unknown-person',
          'its Patient is not known, or has no NHS number with a right check digit',
        );
      }
    }
  }

  #optOut(nhsNumber: string, statement: OptOutStatement): void {
    this.optOutStatements += 1;
    const { optedOut, enteredAt, sourceId, limits } = statement;
    // the same entry about another number, once corrected, is another opt-out: the first one stays
    const resourceId = this.#context.preparer.id('Consent', sourceId, nhsNumber);
    if (limits !== undefined) {
      this.limitedOptOuts.push({ nhsNumber, enteredAt, resourceId, limits });
      return;
    }
    const record = { nhsNumber, optedOut, enteredAt, resourceId };
    const known = this.#optOuts.get(nhsNumber);
    this.#optOuts.set(nhsNumber, known === undefined ? record : laterOptOut(known, record));
  }

  #reject(file: StagedFile, { line, bytes }: LineBytes, rule: string, hint: string, element?: string): void {
    this.#context.rejects.add(file.type, {
      file: file.name,
      line,
      rule,
      hint,
      hash: createHash('sha256').update(bytes).digest(),
      ...(element !== undefined && { element }),
    });
  }
}

const CARED_FOR = new Set(['planned', 'waitlist', 'active', 'onhold']);

/**
 * Patients for whom the source has an episode of care in force: the others' cases are closed. Read leniently: whether
 * a faulty episode is stored is decided elsewhere, it must not take the rest of the person's rows with it.
 */
async function receivingCare(
  context: LoadContext,
  care: ReadonlyMap<StagedFile, readonly RowPlace[]>,
  read: ReadRow,
): Promise<ReadonlySet<string>> {
  const open = new Set<string>();
  for (const [file, places] of care) {
    for await (const batch of rowBatches(file, pagesOf(places))) {
      for (const { bytes } of batch) {
        const reading = read(bytes, file);
        const episode = (reading.ok ? reading.resource : reading.json) as Episode | undefined;
        const localId = /^Patient\/([A-Za-z0-9\-.]{1,64})$/.exec(String(episode?.patient?.reference))?.[1];
        if (localId !== undefined && isOpen(episode, context.manifest.businessDate)) open.add(localId);
      }
    }
  }
  return open;
}

interface Episode {
  readonly status?: string;
  readonly patient?: { readonly reference?: string };
  readonly period?: { readonly start?: string; readonly end?: string };
}

function isOpen(episode: Episode | undefined, day: string): boolean {
  if (episode === undefined || !CARED_FOR.has(String(episode.status))) return false;
  const { end } = episode.period ?? {};
  if (end === undefined) return true;
  const range = dateRange(String(end));
  return range !== undefined && covers('', londonDay(range.to - 1), day);
}
