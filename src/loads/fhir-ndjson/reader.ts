import { isServed, served } from '../../fhir/served.ts';
import type { ConsentHarvest, ExtractReader, LoadContext } from '../context.ts';
import { patientRecord, restrictedRow, withoutTestNumber } from '../patient-record.ts';
import type { PatientRecord, RestrictedRow } from '../records.ts';
import type { StagedFile } from '../staging.ts';
import { rowBatches } from './batches.ts';
import { readConsents } from './consents.ts';
import { CopyMapper } from './copies.ts';
import { type FileKind, fileKind, inMappingOrder } from './files.ts';
import { RowHasher } from './lines.ts';
import { RowMapper } from './map.ts';
import { readPurges } from './purges.ts';
import { type RowReading, readRow } from './row.ts';
import { type AlwaysRead, scanFiles } from './scan.ts';

/** Changes whenever the same row would be stored differently: every row is then mapped anew. */
export const FHIR_MAPPER_VERSION = 'fhir-ndjson/5';

/** Where rows of FHIR come from: the source's own lines, or lines that were made of its tables. */
export interface ResourceRows {
  scan(context: LoadContext, hasher: RowHasher, kindOf: (file: StagedFile) => FileKind): Promise<AlwaysRead>;
  read(bytes: Buffer, file: StagedFile): RowReading;
}

const NDJSON: ResourceRows = { scan: scanFiles, read: (bytes, file) => readRow(bytes, file.type) };

/** An extract of FHIR resources, one a line, one type a file. */
export class FhirReader implements ExtractReader {
  readonly comparedBy = 'row';
  readonly patientFile: number;
  readonly #context: LoadContext;
  readonly #hasher: RowHasher;
  readonly #rows: ResourceRows;
  #always: AlwaysRead = { consents: new Map(), care: new Map(), tooLong: new Map() };

  /** @param salt 32 bytes: a hash of the versions that decide what becomes of a row */
  constructor(context: LoadContext, salt: Buffer, rows = NDJSON) {
    this.#context = context;
    this.#rows = rows;
    this.#hasher = new RowHasher(salt);
    this.patientFile = context.files.findIndex((file) => file.type === 'Patient');
  }

  async scan(): Promise<void> {
    this.#always = await this.#rows.scan(this.#context, this.#hasher, (file) => this.#kind(file));
  }

  async patients(): Promise<void> {
    const { files, session, manifest, policy } = this.#context;
    const { patients } = session;
    await readPurges(this.#context);
    const file = files[this.patientFile];
    if (file !== undefined) {
      await patients.recognise(this.patientFile, policy.testNumbers === 'allow');
      for await (const batch of rowBatches(file, (after, limit) => patients.unread(after, limit))) {
        const read: PatientRecord[] = [];
        const kept: string[] = [];
        const restricted: (RestrictedRow | undefined)[] = [];
        for (const { place, bytes } of batch) {
          const row = this.#rows.read(bytes, file);
          if (row.ok) {
            const said = patientRecord(row.resource, place.line, place.hash, manifest.businessDate);
            const record = withoutTestNumber(said, policy);
            read.push(record);
            if (record.nhsNumber === undefined)
              restricted.push(restrictedRow(row.resource, record.localId, place.hash));
          } else {
            if (row.fault.id !== undefined) kept.push(row.fault.id);
            restricted.push(restrictedRow(row.json, row.fault.id, place.hash));
          }
        }
        await patients.add(read);
        await patients.keep(kept);
        await patients.restrict(restricted.filter((each) => each !== undefined));
      }
      await patients.keep(this.#always.tooLong.get(file) ?? []);
    }
    await patients.merge();
  }

  consents(): Promise<ConsentHarvest> {
    return readConsents(this.#context, this.#always, this.#rows.read);
  }

  async resources(): Promise<void> {
    const { files, session, preparer, progress } = this.#context;
    const mapper = new RowMapper(this.#context, this.#rows.read);
    const ordered = inMappingOrder(files, (file) => this.#kind(file));
    const total = ordered.reduce((sum, file) => sum + file.rows, 0);
    let before = 0;
    for (const file of ordered) {
      const tooLong = this.#always.tooLong.get(file) ?? [];
      if (tooLong.length > 0) await session.resources.keep(tooLong.map((id) => preparer.id(file.type, id)));
      const next = (after: number, limit: number) => session.resources.unread(file.index, after, limit);
      for await (const batch of rowBatches(file, next)) {
        await mapper.map(file, this.#kind(file), batch);
        progress('map', before + (batch.at(-1)?.place.line ?? 0), total);
      }
      before += file.rows;
    }
    await mapper.end();
  }

  async copies(): Promise<void> {
    const { files, session } = this.#context;
    const mapper = new CopyMapper(this.#context, this.#rows.read);
    for (const file of files.filter((each) => this.#kind(each) === 'referenced')) {
      const next = (after: number, limit: number) => session.resources.unreadCopies(file.index, after, limit);
      for await (const batch of rowBatches(file, next)) await mapper.map(file, batch);
      const tooLong = this.#always.tooLong.get(file) ?? [];
      if (tooLong.length > 0 && isServed(file.type))
        await session.resources.keepCopies(served(file.type).code, tooLong);
    }
    await mapper.end();
  }

  #kind(file: StagedFile): FileKind {
    return fileKind(this.#context.source, file.type, this.#context.manifest.businessDate);
  }
}
