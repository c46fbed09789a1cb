import { type FileHandle, open } from 'node:fs/promises';
import type { LoadContext } from '../context.ts';
import type { FileKind } from '../fhir-ndjson/files.ts';
import { HEAD_BYTES, MAX_LINE_BYTES, type RowHasher } from '../fhir-ndjson/lines.ts';
import type { ResourceRows } from '../fhir-ndjson/reader.ts';
import { type RowFault, type RowReading, readRow } from '../fhir-ndjson/row.ts';
import { type AlwaysRead, lineTaker } from '../fhir-ndjson/scan.ts';
import { Refusal } from '../refusal.ts';
import type { StagedFile } from '../staging.ts';
import { type ConsentMapping, type Mapping, type ResourceMapping, resourcesOf } from './mapping.ts';
import { consentLine, FAULT_BEGINS, resourceLine } from './resources.ts';
import { Row, type TableTerms, tableTerms } from './row.ts';
import { readMappedTable, type TableRow } from './table.ts';
import { columnsOfElement, type Surroundings } from './template.ts';

/** Changes whenever the same row would be stored differently: every row is then mapped anew. */
export const MAPPED_MAPPER_VERSION = 'mapped-csv/3';

/** What is made of the rows of one table: one resource of the mapping, or one kind of consent. */
interface Product {
  /** of the lines that are made, beside the table's copy; it has the table's name, and its lines' numbers */
  readonly file: StagedFile;
  readonly resource?: ResourceMapping;
  readonly consent?: ConsentMapping;
}

interface Table {
  readonly file: StagedFile;
  readonly name: string;
  readonly terms: TableTerms;
  readonly products: readonly Product[];
}

/**
 * An extract of plain CSV, turned into lines of FHIR that are then read like any others. A line keeps the number of the
 * row it was made of, so that whatever is said of it later names the source's own file and line.
 */
export class MappedExtract implements ResourceRows {
  /** of the lines that are made */
  readonly files: readonly StagedFile[];
  readonly #mapping: Mapping;
  readonly #tables: readonly Table[];
  readonly #resources: ReadonlyMap<number, ResourceMapping>;

  /** @throws Refusal when a table of the mapping is missing, or a file is none of its tables */
  constructor(mapping: Mapping, staged: readonly StagedFile[]) {
    this.#mapping = mapping;
    this.#tables = tablesOf(mapping, staged);
    const products = this.#tables.flatMap((table) => table.products);
    this.files = products.map((product) => product.file);
    this.#resources = new Map(
      products.flatMap(({ file, resource }) => (resource === undefined ? [] : [[file.index, resource]])),
    );
  }

  async scan(
    context: LoadContext,
    hasher: RowHasher,
    kindOf: (file: StagedFile) => FileKind,
  ): Promise<AlwaysRead> {
    const always: AlwaysRead = { consents: new Map(), care: new Map(), tooLong: new Map() };
    const writer = await context.session.rows();
    const around = { resources: resourcesOf(this.#mapping), day: context.manifest.businessDate };
    const total = this.#tables.reduce((sum, table) => sum + table.file.rows, 0);
    let before = 0;
    for (const table of this.#tables) {
      const makers = table.products.map((product) => {
        const { file } = product;
        const take = lineTaker(context, file, kindOf(file), writer, hasher, always);
        return new Maker(product, table.terms, around, take);
      });
      let rows = 0;
      try {
        for await (const row of readMappedTable(table.file, this.#mappingOf(table))) {
          this.#make(context, table, row, makers);
          rows += 1;
          if (rows % 1_000 !== 0) continue;
          for (const maker of makers) await maker.flush();
          await writer.flush();
          context.progress('scan', before + rows, total);
        }
        for (const maker of makers) await maker.flush();
      } finally {
        for (const maker of makers) await maker.close();
      }
      before += rows;
      for (const { file, made } of makers) countNotHeld(context, file, kindOf(file), made);
      await context.rejects.flush();
    }
    await writer.end();
    await context.rejects.flush(true);
    return always;
  }

  /** Called on its own: a fault of structure is told by the columns that the element was made of. */
  readonly read = (bytes: Buffer, file: StagedFile): RowReading => {
    if (bytes.toString('latin1', 0, FAULT_BEGINS.length) === FAULT_BEGINS) {
      const { fault, json } = JSON.parse(bytes.toString('utf8')) as { fault: RowFault; json: unknown };
      return { ok: false, fault, json };
    }
    const reading = readRow(bytes, file.type);
    const resource = this.#resources.get(file.index);
    if (reading.ok || reading.fault.element === undefined || resource === undefined) return reading;
    const { element, hint } = reading.fault;
    const columns = columnsOfElement(resource, element);
    if (columns.length === 0) return reading;
    return {
      ...reading,
      fault: { ...reading.fault, element: columns.join(', '), hint: `${element}: ${hint}` },
    };
  };

  #mappingOf(table: Table) {
    const mapping = this.#mapping.tables[table.name];
    if (mapping === undefined) throw new Error('A table without its mapping.');
    return mapping;
  }

  #make(context: LoadContext, table: Table, row: TableRow, makers: readonly Maker[]): void {
    const { leaveOut } = this.#mappingOf(table);
    if (leaveOut?.is.includes(row.cells.get(leaveOut.column) ?? '') === true) {
      context.watch?.leftOut(table.name);
      return;
    }
    let applies = false;
    // every one of them: none may be skipped because another has made something
    for (const maker of makers) applies = maker.make(row) || applies;
    if (applies) return;
    const tests = [
      ...new Set(table.products.map(({ resource, consent }) => (resource ?? consent)?.when?.column)),
    ];
    context.rejects.add(table.name, {
      file: table.file.name,
      line: row.line,
      rule: 'no-resource',
      element: tests.filter((column) => column !== undefined).join(', '),
      hint: 'the mapping makes nothing of such a row',
    });
  }
}

function tablesOf(mapping: Mapping, staged: readonly StagedFile[]): readonly Table[] {
  const missing = Object.keys(mapping.tables).find((name) => !staged.some((file) => file.type === name));
  if (missing !== undefined) {
    throw new Refusal(
      'file-missing',
      `The folder has no table ${missing}: an empty table is sent as its header.`,
    );
  }
  let index = 0;
  return staged.map((file) => {
    const table = Object.hasOwn(mapping.tables, file.type) ? mapping.tables[file.type] : undefined;
    if (table === undefined)
      throw new Refusal('file-unexpected', `The file ${file.name} is no table of the mapping.`);
    const place = (type: string): StagedFile => {
      const made = { ...file, index, type, path: `${file.path}.${index}.ndjson` };
      index += 1;
      return made;
    };
    const products = [
      ...(table.resources ?? []).map((resource) => ({ file: place(resource.type), resource })),
      ...(table.consents ?? []).map((consent) => ({ file: place('Consent'), consent })),
    ];
    return { file, name: file.type, terms: tableTerms(mapping, table.columns), products };
  });
}

function countNotHeld({ tally }: LoadContext, file: StagedFile, kind: FileKind, made: number): void {
  if (kind === 'withheld') tally.count(file.type, 'withheld', made);
  if (kind === 'not-served') tally.count(file.type, 'notServed', made);
}

/** Writes the lines of one product, and hands each on as it goes. */
class Maker {
  readonly file: StagedFile;
  made = 0;
  readonly #product: Product;
  readonly #terms: TableTerms;
  readonly #around: Surroundings;
  readonly #take: ReturnType<typeof lineTaker>;
  #pending: Buffer[] = [];
  #offset = 0;
  #handle: FileHandle | undefined;

  constructor(product: Product, terms: TableTerms, around: Surroundings, take: ReturnType<typeof lineTaker>) {
    this.file = product.file;
    this.#product = product;
    this.#terms = terms;
    this.#around = around;
    this.#take = take;
  }

  /** @returns whether the row is one of those that the product is made of */
  make({ line, cells }: TableRow): boolean {
    const { resource, consent } = this.#product;
    const row = new Row(this.#terms, cells);
    const when = (resource ?? consent)?.when;
    if (when !== undefined && !row.passes(when)) return false;
    const text =
      resource !== undefined
        ? resourceLine(resource, row, this.#around)
        : consent !== undefined && consentLine(consent, row);
    if (typeof text !== 'string') return true;
    const bytes = Buffer.from(`${text}\n`);
    const length = bytes.length - 1;
    const whole =
      length <= MAX_LINE_BYTES
        ? { bytes: bytes.subarray(0, length) }
        : { head: bytes.subarray(0, HEAD_BYTES) };
    this.#take({ line, start: this.#offset, length, ...whole });
    this.#pending.push(bytes);
    this.#offset += bytes.length;
    this.made += 1;
    return true;
  }

  async flush(): Promise<void> {
    this.#handle ??= await open(this.file.path, 'wx', 0o600);
    if (this.#pending.length === 0) return;
    const bytes = Buffer.concat(this.#pending);
    this.#pending = [];
    await this.#handle.appendFile(bytes);
  }

  async close(): Promise<void> {
    await this.#handle?.close();
  }
}
