import type { Parameters, ParametersParameter } from '@medplum/fhirtypes';
import type { Facts } from '../access/facts.ts';
import type { SealedRow } from '../audit/reader.ts';
import type { BuiltAgain } from './as-seen.ts';
import type { DisclosePorts } from './ports.ts';
import type { Reason, Rebuilt } from './rebuild.ts';
import type { RecordedRequest } from './recorded-request.ts';
import type { DisclosureRequest } from './request.ts';

interface Parts extends BuiltAgain {
  readonly ports: Pick<DisclosePorts, 'baseUrl'>;
  readonly request: Pick<DisclosureRequest, 'self'>;
  readonly facts: Pick<Facts, 'now'>;
  readonly row: SealedRow;
  readonly recorded: RecordedRequest;
  /** the AuditEvent as the caller may read it */
  readonly eventText: string;
}

/**
 * A collection (R4 bundle.html): the event with who, when and why; what can be said of each resource that was released;
 * and those resources, each as it was. Texts go in as they were built, so that whoever compares bytes can.
 */
export function asSeenBundle(parts: Parts): string {
  const { baseUrl } = parts.ports;
  const entries = [
    entry(`${baseUrl}/AuditEvent/${parts.row.eventId}`, parts.eventText),
    entry(ACCOUNT, JSON.stringify(account(parts))),
    ...parts.resources.flatMap((one) =>
      one.state === 'not-available' ? [] : [entry(`${baseUrl}/${one.type}/${one.id}`, one.text)],
    ),
  ];
  return (
    `{"resourceType":"Bundle","type":"collection","timestamp":"${new Date(parts.facts.now).toISOString()}",` +
    `"link":[{"relation":"self","url":${JSON.stringify(`${baseUrl}/${parts.request.self}`)}}],` +
    `"entry":[${entries.join(',')}]}`
  );
}

/** The account has no address of its own; the same fixed name every time tells nothing. */
const ACCOUNT = 'urn:uuid:6b1f0c7e-3c1d-5c55-9d0b-0f64a5ee0064';

function entry(fullUrl: string, resource: string): string {
  return `{"fullUrl":"${fullUrl}","resource":${resource}}`;
}

function account({ row, recorded, resources, isWhole, isSealed, policyKept, manifest }: Parts): Parameters {
  const { outcome, policyVersion, asks } = recorded;
  const isNothing = manifest.resources.length === 0;
  return {
    resourceType: 'Parameters',
    parameter: [
      { name: 'event', valueId: row.eventId },
      { name: 'recorded', valueInstant: new Date(row.recorded).toISOString() },
      { name: 'outcome', valueCode: outcome },
      { name: 'log', valueCode: isWhole ? 'whole' : 'altered' },
      { name: 'digests', valueCode: isSealed ? 'sealed' : isNothing ? 'none' : 'not-sealed' },
      { name: 'publication', valueString: String(manifest.publication) },
      ...(policyVersion === undefined
        ? []
        : [
            { name: 'policy-version', valueString: policyVersion },
            { name: 'policy-kept', valueBoolean: policyKept },
          ]),
      ...(isNothing
        ? [{ name: 'nothing-released', valueString: NOTHING[outcome === '0' ? 'given' : 'refused'] }]
        : []),
      ...resources.map(resourceParameter),
      ...[...NOT_KEPT, ...(asks?.interaction === 'summary' ? [COMPOSITION] : [])].map((valueString) => ({
        name: 'not-kept',
        valueString,
      })),
    ],
  };
}

function resourceParameter(one: Rebuilt): ParametersParameter {
  const { reference, state, why } = one;
  return {
    name: 'resource',
    part: [
      { name: 'reference', valueString: reference },
      { name: 'state', valueCode: state },
      ...(why === undefined
        ? []
        : [
            { name: 'reason', valueCode: why },
            { name: 'says', valueString: SAYS[why] },
          ]),
    ],
  };
}

const NOTHING = {
  refused: 'The request was refused or failed: nothing was released.',
  given: 'Nothing of a record was released.',
} as const;

const SAYS: { readonly [R in Reason]: string } = {
  differs:
    'Built again by the policy that decided, but not the bytes that were sent: the stored text or the program has changed since.',
  erased: 'Its text has been erased since.',
  'history-removed': 'Versions of that time have been removed as older than they are kept.',
  'not-kept': 'That version is not there: it was never stored here, or is gone.',
  'of-another-person':
    'It is taken to be somebody else’s today, or its source to mean somebody else: nobody has decided on them here.',
  'consent-replaced': 'Consents are kept as they are in force: it has been recorded again since.',
  'policy-not-kept':
    'The policy that decided is not kept, so that it is not known which elements were left out; nothing proves that these are the bytes that were sent.',
  computed: 'It was made for that answer alone, of nothing that is stored.',
  'audit-event': 'Audit events are read at AuditEvent/[id], where each is decided on.',
  'log-altered': 'The event is not what was hashed when it was written: nothing is built on it.',
};

/** The same words every time: they say nothing of this answer. */
const NOT_KEPT: readonly string[] = [
  'Only kinds of information that your role and your token include are shown; of others nothing is said.',
  'Totals, links between pages and what the answer said of its sources are not kept; Patient/[id]/$as-at tells what each source had published.',
  'What live partners answered is not stored.',
];
const COMPOSITION =
  'The Composition of a summary is made anew each time and is not kept; what it was made of is here.';
