/**
 * A mapping file (docs/mapped-csv.md): the tables of CSV that a source sends, and the FHIR resources that are made of
 * their rows. It holds names, lists and constants; there is nothing in it to be run.
 */
export interface Mapping {
  readonly title: string;
  /** by the name that the manifest gives as `type` */
  readonly tables: Readonly<Record<string, TableMapping>>;
  readonly codeMaps?: Readonly<Record<string, CodeMap>>;
}

export interface TableMapping {
  /** by the name in the file's header; all of them must be there, in any order */
  readonly columns: Readonly<Record<string, Column>>;
  /** what the header names and the mapping does not: `refuse` unless it says otherwise */
  readonly otherColumns?: 'refuse' | 'ignore';
  /** rows that nothing is made of, on purpose */
  readonly leaveOut?: RowTest;
  readonly resources?: readonly ResourceMapping[];
  readonly consents?: readonly ConsentMapping[];
}

export type Column = (
  | { readonly type: 'text' | 'code' | 'number' }
  /** `YYYY`, `MM`, `DD`, `HH`, `mm`, `ss` and what stands between them: `DD/MM/YYYY HH:mm` */
  | { readonly type: 'date'; readonly format: string }
  | { readonly type: 'boolean'; readonly true: readonly string[]; readonly false: readonly string[] }
) & {
  /** its cells must not be empty */
  readonly required?: boolean;
};

/** Whether a cell holds one of these texts. */
export interface RowTest {
  readonly column: string;
  readonly is: readonly string[];
}

export interface ResourceMapping {
  /** unique in the mapping, and part of the resources' ids: another name makes other resources */
  readonly name: string;
  readonly type: string;
  readonly when?: RowTest;
  /** columns that together tell this resource from the others of its name */
  readonly id: readonly string[];
  /** columns that hold the id of the person's Patient; of types that are about a person */
  readonly person?: readonly string[];
  /** of the Patient */
  readonly nhsNumber?: NhsNumberMapping;
  readonly labels?: readonly LabelMapping[];
  readonly elements: Template;
}

export interface NhsNumberMapping {
  readonly column: string;
  /** a column of verification statuses; without one the source sends verified numbers only */
  readonly status?: string;
  /** code map to the statuses of UK Core; without one the column holds these */
  readonly statusMap?: string;
}

/** A boolean column that restricts who may see the row; of the Patient `restricted` is the S-flag. */
export interface LabelMapping {
  readonly column: string;
  readonly label: 'restricted' | 'not-for-patient';
}

export interface ConsentMapping {
  readonly name: string;
  /** an agreement to share social care data, or an opt-out from sharing health data */
  readonly about: 'social-care' | 'health-opt-out';
  readonly when?: RowTest;
  readonly id: readonly string[];
  readonly person: readonly string[];
  /** a boolean column: agreement given, or opted out */
  readonly states: string;
  /** date columns */
  readonly recorded?: string;
  readonly start?: string;
  readonly end?: string;
  readonly givenBy?: string;
}

export interface CodeMap {
  /** of its codes, where they do not say otherwise */
  readonly system?: string;
  /** a code that is not here: `reject` the row, or keep it as `text` */
  readonly unmapped: 'reject' | 'text';
  readonly codes: Readonly<Record<string, MappedCode>>;
}

export interface MappedCode {
  readonly system?: string;
  readonly code?: string;
  readonly display?: string;
}

/** JSON of an element, with directives (`$column`, `$code`, ...) where values of the row go. */
export type Template = Readonly<Record<string, unknown>>;

/** A place in a template that a row fills. */
export type Directive =
  | { readonly kind: 'column'; readonly column: string }
  | { readonly kind: 'code' | 'coding' | 'concept'; readonly column: string; readonly map: string }
  /** `Type/id` of another resource of the mapping */
  | { readonly kind: 'reference'; readonly to: string; readonly id: readonly string[] }
  /** a constant, by where the business date stands to two dates of the row */
  | {
      readonly kind: 'by-period';
      readonly start?: string;
      readonly end?: string;
      readonly before: string;
      readonly during: string;
      readonly after: string;
    };

/** @returns undefined for a plain object; `'unknown'` for one that begins like a directive and is none */
export function directiveOf(object: Template): Directive | 'unknown' | undefined {
  const names = Object.keys(object);
  if (!names.some((name) => name.startsWith('$'))) return undefined;
  const { $column, $reference, $byPeriod, map, id, before, during, after } = object;
  if (isText($column) && names.length === 1) return { kind: 'column', column: $column };
  if (isText($reference) && isTexts(id) && names.length === 2)
    return { kind: 'reference', to: $reference, id };
  for (const kind of ['code', 'coding', 'concept'] as const) {
    const column = object[`$${kind}`];
    if (isText(column) && isText(map) && names.length === 2) return { kind, column, map };
  }
  if (typeof $byPeriod === 'object' && $byPeriod !== null && names.length === 4) {
    const { start, end, ...others } = $byPeriod as Template;
    const isPeriod = [start, end].every((each) => each === undefined || isText(each));
    if (isPeriod && Object.keys(others).length === 0 && isText(before) && isText(during) && isText(after)) {
      const period = { ...(isText(start) && { start }), ...(isText(end) && { end }) };
      return { kind: 'by-period', ...period, before, during, after };
    }
  }
  return 'unknown';
}

/** Columns that a directive draws on. */
export function columnsOfDirective(directive: Directive): readonly string[] {
  switch (directive.kind) {
    case 'reference':
      return directive.id;
    case 'by-period':
      return [directive.start, directive.end].filter((each) => each !== undefined);
    default:
      return [directive.column];
  }
}

/** Every resource of a mapping, by name. */
export function resourcesOf(mapping: Mapping): ReadonlyMap<string, ResourceMapping> {
  const all = Object.values(mapping.tables).flatMap((table) => table.resources ?? []);
  return new Map(all.map((resource) => [resource.name, resource]));
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== '';
}

function isTexts(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.length > 0 && value.every(isText);
}
