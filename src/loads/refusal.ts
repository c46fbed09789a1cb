/** Why a whole extract is not taken. */
export type RefusalRule =
  | 'manifest'
  | 'wrong-source'
  | 'wrong-format'
  | 'not-full'
  | 'future-date'
  | 'earlier-date'
  | 'sequence'
  | 'sequence-gap'
  | 'needs-full'
  | 'file-missing'
  | 'file-unexpected'
  | 'file-forbidden'
  | 'file-kind'
  | 'file-changed'
  | 'file-encoding'
  | 'gzip'
  | 'bundle'
  | 'unpacked-size'
  | 'header'
  | 'csv'
  | 'row-count'
  | 'too-many-rows'
  | 'not-signatory'
  | 'not-held';

/** The extract is refused and yesterday's record stands. The message is a sentence for the source's engineers. */
export class Refusal extends Error {
  readonly rule: RefusalRule;

  constructor(rule: RefusalRule, message: string) {
    super(message);
    this.name = 'Refusal';
    this.rule = rule;
  }
}
