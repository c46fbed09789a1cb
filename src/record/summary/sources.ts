import type { CompositionSection, OperationOutcomeIssue } from '@medplum/fhirtypes';
import { narrative, paragraph, table } from './xhtml.ts';

/**
 * What the sources of a summary allow to be said. It depends on what is stated of them and on nothing else, so that it
 * reads the same whether or not a source that is not shown knows the person (DESIGN 4, inference).
 */
export interface SourceStates {
  readonly stated: readonly OperationOutcomeIssue[];
  /** late, down, stale or never loaded: what they have is missing here */
  readonly missing: number;
  /** not shown, by a rule that allows saying so */
  readonly notShown: number;
}

export const SOURCES_TITLE = 'Sources of this summary';
const CURRENT = 'source-current';
const SEE = `see “${SOURCES_TITLE}”`;

export function sourceStates(stated: readonly OperationOutcomeIssue[]): SourceStates {
  const missing = stated.filter((issue) => issue.severity !== 'information');
  const notShown = stated.filter((issue) => issue.severity === 'information' && !isCurrent(issue));
  return { stated, missing: missing.length, notShown: notShown.length };
}

function isCurrent(issue: OperationOutcomeIssue): boolean {
  return issue.details?.coding?.some(({ code }) => code === CURRENT) === true;
}

/** Whether some source is missing, so that more may be known than is here; undefined where none is. */
export function missingWords({ missing }: SourceStates): string | undefined {
  if (missing === 0) return undefined;
  return `${missing === 1 ? '1 source is' : `${missing} sources are`} missing or out of date`;
}

/** A sentence on sources that are not shown; undefined where all are. */
export function notShownWords({ notShown }: SourceStates): string | undefined {
  if (notShown === 0) return undefined;
  const those = notShown === 1 ? '1 source is' : `${notShown} sources are`;
  return `${those} not shown, whether or not there is anything to show: ${SEE}.`;
}

/** What a section with entries says of what may be missing. */
export function mayBeMore(states: SourceStates): string | undefined {
  const missing = missingWords(states);
  return missing === undefined ? undefined : `There may be more: ${missing}, ${SEE}.`;
}

/** The one section that is words alone: each source, and how things stand with it. */
export function sourcesSection({ stated }: SourceStates): CompositionSection {
  const rows = stated.map((issue) => [issue.details?.text ?? issue.diagnostics ?? '']);
  const words =
    rows.length === 0
      ? 'How things stand with the sources is not known.'
      : 'This summary is made from what these sources share, as things stand with each.';
  return { title: SOURCES_TITLE, text: narrative(paragraph(words), table(['Source'], rows)) };
}

const OWN_SYSTEM = 'https://mycarerecord.example/fhir/CodeSystem/summary-empty-reason';

/**
 * Why a section has no entries. Never `nilknown`: that nothing is recorded in what is shared does not mean that there
 * is nothing; and never the same code for that as for sources that could not be asked.
 */
export function emptyReason(states: SourceStates): NonNullable<CompositionSection['emptyReason']> {
  if (states.missing === 0) {
    return {
      coding: [
        { system: OWN_SYSTEM, code: 'nothing-recorded', display: 'Nothing recorded in what is shared' },
      ],
      text: 'Nothing is recorded in what is shared, which does not mean that there is nothing',
    };
  }
  return {
    coding: [
      {
        system: 'http://terminology.hl7.org/CodeSystem/list-empty-reason',
        code: 'unavailable',
        display: 'Unavailable',
      },
      { system: OWN_SYSTEM, code: 'sources-missing', display: 'Sources missing or out of date' },
    ],
    text: 'Sources are missing or out of date, and nothing is recorded in the rest',
  };
}

/** Why a section has no entries where the caller may see nothing of its kind, whoever the person is. */
export const WITHHELD: NonNullable<CompositionSection['emptyReason']> = {
  coding: [
    {
      system: 'http://terminology.hl7.org/CodeSystem/list-empty-reason',
      code: 'withheld',
      display: 'Information Withheld',
    },
  ],
  text: 'Not among the kinds of information that may be shown here, whether or not there is any',
};

/** What a section without entries says. */
export function emptyWords(states: SourceStates): string {
  const missing = missingWords(states);
  return missing === undefined
    ? 'Nothing is recorded here in what is shared. That does not mean that there is nothing.'
    : `Not known: ${missing} and could have had something here, ${SEE}. Nothing is recorded in the rest.`;
}
