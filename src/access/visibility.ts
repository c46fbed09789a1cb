import type { ServedTypeName } from '../fhir/served.ts';
import type { RowFacts } from './facts.ts';
import type { RowTest, Withhold } from './rule.ts';

/** What all withholds of one decision make of the rows of a type from a source. */
interface Cell {
  readonly hidden: boolean;
  readonly tests: readonly RowTest[];
  readonly elements: readonly string[];
}

const HIDDEN: Cell = { hidden: true, tests: [], elements: [] };

/**
 * Withholds added up. Each pair of source and type is looked at once, when first met; after that a row costs the few
 * tests that depend on the row itself. Total: a test that fails hides.
 */
export class Visibility {
  readonly #withholds: readonly Withhold[];
  readonly #cells = new Map<string, Map<ServedTypeName, Cell>>();

  constructor(withholds: readonly Withhold[]) {
    this.#withholds = withholds;
  }

  /** Whether no row of the type from the source can be shown. */
  hidesAll(source: string, type: ServedTypeName): boolean {
    return this.#cell(source, type).hidden;
  }

  shows(row: RowFacts): boolean {
    try {
      const cell = this.#cell(row.source, row.type);
      if (cell.hidden) return false;
      for (const hides of cell.tests) if (hides(row)) return false;
      return true;
    } catch {
      return false;
    }
  }

  hiddenElements(row: RowFacts): readonly string[] {
    return this.elementsHidden(row.source, row.type);
  }

  elementsHidden(source: string, type: ServedTypeName): readonly string[] {
    return this.#cell(source, type).elements;
  }

  /** Whether nothing may be said of the source's state. */
  silences(source: string): boolean {
    try {
      return this.#withholds.some((withhold) => withhold.silences?.(source) === true);
    } catch {
      return true;
    }
  }

  #cell(source: string, type: ServedTypeName): Cell {
    let ofSource = this.#cells.get(source);
    if (ofSource === undefined) {
      ofSource = new Map();
      this.#cells.set(source, ofSource);
    }
    let cell = ofSource.get(type);
    if (cell === undefined) {
      cell = cellOf(this.#withholds, source, type);
      ofSource.set(type, cell);
    }
    return cell;
  }
}

function cellOf(withholds: readonly Withhold[], source: string, type: ServedTypeName): Cell {
  try {
    const tests: RowTest[] = [];
    const elements: string[] = [];
    for (const withhold of withholds) {
      const hides = withhold.hides(source, type);
      if (hides === 'all') return HIDDEN;
      if (hides !== 'none') tests.push(hides);
      if (withhold.hiddenElements !== undefined) elements.push(...withhold.hiddenElements(source, type));
    }
    return { hidden: false, tests, elements };
  } catch {
    return HIDDEN;
  }
}
