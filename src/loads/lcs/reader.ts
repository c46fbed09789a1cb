import { createHash } from 'node:crypto';
import { validateStructure } from '../../fhir/structure.ts';
import type { ConsentHarvest, ExtractReader, LoadContext } from '../context.ts';
import { patientRecord, withoutTestNumber } from '../patient-record.ts';
import type {
  CareStanding,
  PatientRecord,
  ReferencedCopy,
  RowOwner,
  RowPlace,
  StagedRow,
} from '../records.ts';
import { refusalHint } from '../refused-row.ts';
import { agreementInForce } from '../standing.ts';
import { agreementStatement } from './agreement.ts';
import { type ChildInCare, inForce, isAdopted, isOpenCase } from './child.ts';
import { type Child, type Folder, readFolder } from './folder.ts';
import { type Council, childResources } from './map.ts';
import { matchedRecord } from './matched.ts';
import { withoutUnverifiedNumber } from './patient.ts';

/** Changes whenever the same rows would be stored differently. */
export const LCS_MAPPER_VERSION = 'lcs-csv/5';

interface Unit {
  readonly localId: string;
  readonly child: Child;
  /** absent where there is no row of the person */
  readonly inCare?: ChildInCare;
}

const PAGE = 500;

/** A folder of LCS tables. All rows of one child, with the workers they name, are compared and mapped together. */
export class LcsReader implements ExtractReader {
  readonly comparedBy = 'patient';
  readonly patientFile: number;
  readonly #context: LoadContext;
  readonly #salt: Buffer;
  #folder: Folder = { children: new Map(), workers: new Map() };
  #byLine = new Map<number, Unit>();

  /** @param salt 32 bytes: a hash of the versions that decide what becomes of a child's rows */
  constructor(context: LoadContext, salt: Buffer) {
    this.#context = context;
    this.#salt = salt;
    this.patientFile = context.files.findIndex((file) => file.type === 'ssd_person');
  }

  async scan(): Promise<void> {
    const { manifest, session, rejects } = this.#context;
    this.#folder = await readFolder(this.#context);
    const writer = await session.rows();
    let written = 0;
    for (const [localId, child] of this.#folder.children) {
      const inCare = inForce(child.rows, this.#folder.workers, manifest.businessDate);
      if (child.faulty || inCare === undefined) continue;
      this.#byLine.set(child.line, { localId, child, inCare });
      const hash = contentHash(inCare, this.#salt);
      writer.write(this.patientFile, child.line, 0, 0, hash);
      written += 1;
      if (written % PAGE === 0) await writer.flush();
    }
    await writer.end();
    await rejects.flush(true);
  }

  async patients(): Promise<void> {
    const { patients } = this.#context.session;
    await patients.recognise(this.patientFile, this.#context.policy.testNumbers === 'allow');
    const matched = await patients.matched();
    await this.#pages(
      (after) => patients.unread(after, PAGE),
      async (places) => {
        await patients.add(places.flatMap((place) => this.#record(place, matched)));
      },
    );
    const faulty = [...this.#folder.children].filter(([, child]) => child.faulty).map(([localId]) => localId);
    await patients.keep(faulty);
    await patients.merge();
  }

  async consents(): Promise<ConsentHarvest> {
    const standings = [...this.#folder.children].map(([localId, child]) => this.#standing(localId, child));
    return {
      optOuts: [],
      limitedOptOuts: [],
      standings,
      optOutStatements: 0,
      ignored: 0,
      agreementsWhole: true,
    };
  }

  async resources(): Promise<void> {
    const { session, rejects, progress } = this.#context;
    let done = 0;
    await this.#pages(
      (after) => session.resources.unread(this.patientFile, after, PAGE),
      async (places) => {
        const owners = await session.resources.owners(places.map((place) => this.#unit(place).localId));
        const rows: StagedRow[] = [];
        const references: ReferencedCopy[] = [];
        for (const place of places) this.#map(place, owners, rows, references);
        await session.resources.stage(rows, references);
        await rejects.flush();
        done += places.length;
        progress('map', done, this.#byLine.size);
      },
    );
    await rejects.flush(true);
  }

  async copies(): Promise<void> {}

  async #pages(
    next: (afterLine: number) => Promise<readonly RowPlace[]>,
    take: (places: readonly RowPlace[]) => Promise<void>,
  ): Promise<void> {
    let after = 0;
    for (let places = await next(after); places.length > 0; places = await next(after)) {
      after = places.at(-1)?.line ?? after;
      await take(places);
    }
  }

  #unit(place: RowPlace): Unit {
    const unit = this.#byLine.get(place.line);
    if (unit === undefined) throw new Error('A row of the working tables is not of this folder.');
    return unit;
  }

  #record(place: RowPlace, matched: ReadonlyMap<string, string>): readonly PatientRecord[] {
    const { manifest, policy } = this.#context;
    const { localId, inCare } = this.#unit(place);
    const [patient] = inCare === undefined ? [] : childResources(inCare, this.#council());
    if (patient === undefined) return [];
    const { custodian, ...record } = patientRecord(patient, place.line, place.hash, manifest.businessDate);
    return [withoutTestNumber(matchedRecord(record, matched.get(localId)), policy)];
  }

  #standing(localId: string, child: Child): CareStanding {
    const { manifest, preparer } = this.#context;
    const day = manifest.businessDate;
    const inCare = inForce(child.rows, this.#folder.workers, day);
    // a person's row that cannot be read says nothing about the case: the other rows do
    const isOpen = (inCare === undefined ? child.faulty : isOpenCase(inCare)) && !isAdopted(child.rows, day);
    const statements = child.rows.mcr_sharing_agreements.map((row) => agreementStatement(row, day));
    const agreement = child.agreementUnreadable ? undefined : agreementInForce(statements, day);
    const said = { localId, stated: agreement === undefined ? 'not-given' : 'given' } as const;
    if (!isOpen) return { ...said, refusal: 'closed-case' };
    if (agreement === undefined) return { ...said, refusal: 'no-agreement' };
    return { ...said, agreement: { ...agreement, resourceId: preparer.id('Consent', agreement.sourceId) } };
  }

  #map(
    place: RowPlace,
    owners: ReadonlyMap<string, RowOwner>,
    rows: StagedRow[],
    references: ReferencedCopy[],
  ): void {
    const { preparer, tally, rejects, files } = this.#context;
    const { localId, inCare } = this.#unit(place);
    const owner = owners.get(localId);
    const file = files[this.patientFile]?.name ?? '';
    if (owner?.state === 'refused') {
      // what may not be held is counted, and not written down anywhere
      tally.refuse('Patient', owner.reason ?? '');
      return;
    }
    const { personId } = owner ?? {};
    if (personId === undefined || inCare === undefined) {
      const rule = owner?.reason ?? 'unknown-person';
      rejects.add('Patient', { file, line: place.line, rule, hint: refusalHint(rule), hash: place.hash });
      return;
    }
    for (const resource of childResources(withoutUnverifiedNumber(inCare), this.#council())) {
      const [fault] = validateStructure(resource);
      if (fault !== undefined) {
        const { element, rule } = fault;
        rejects.add(resource.resourceType, {
          file,
          line: place.line,
          rule: 'structure',
          element,
          hint: rule,
          hash: place.hash,
        });
        continue;
      }
      const prepared = preparer.prepare(resource, { personId, localId });
      if (prepared === undefined) tally.count(resource.resourceType, 'withheld');
      else {
        const hash = contentHash(resource, this.#salt);
        rows.push({ ...prepared.row, hash, file: place.file, line: place.line });
        references.push(...prepared.references);
      }
    }
  }

  #council(): Council {
    const { policy, source } = this.#context;
    const organisation = policy.organisations.get(source.organisation);
    if (organisation === undefined) throw new Error(`The organisation of ${source.code} is not configured.`);
    return organisation;
  }
}

/** Of one resource, or of all rows of a child: a child's new worker does not make a new version of the child's plans. */
function contentHash(content: object, salt: Buffer): Buffer {
  return createHash('sha256').update(JSON.stringify(content)).update(salt).digest();
}
