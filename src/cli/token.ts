import { parseArgs } from 'node:util';
import { readConfiguration } from '../config.ts';
import { accountDemonstrationToken, demonstrationToken } from '../demonstration.ts';
import { environment, packageRoot } from '../package-root.ts';
import { withService } from '../wire.ts';
import { type Command, print, UsageError } from './command.ts';

const KINDS = ['staff', 'patient', 'governance', 'system'] as const;

export const tokenCommand: Command = {
  name: 'token',
  summary: 'a token of the demonstration’s issuer',
  usage: `mcr token [--kind staff|patient|governance|system] [options]

Prints an access token signed with the demonstration's own keys (made at its first start), once the audit log knows of
it. There is no such command for real issuers: their tokens come from them.

  --organisation CODE   K82001 (a practice), RXQ, RNU, RYE, bucks-council, mcr-ig; default K82001
  --role ROLE           general-practitioner, consultant, social-worker, privacy-officer, central-monitoring ...
  --user ID             the user's id; default demo-user
  --purpose CODE        v3-ActReason; default TREAT. Governance: governance
  --reason TEXT         why this record is opened
  --relationship TEXT   the relationship of care that the user declares; '' for none
  --about PERSON        the one person that the token is for: NHS number or id
  --override RULE       restricted-person or opt-out: to be passed over, with the purpose BTG (only roles that may)
  --override-reason TEXT  why
  --case NUMBER         governance: the case
  --nhs-number NUMBER   patient: whose token it is
  --scope SCOPES        default user/*.rs (patient/*.rs, system/*.rs by kind)
  --no-attestation      leave out the declaration that the record is not the user's own
  --lifetime SECONDS    default 3600`,
  async run(words) {
    const { values } = parseArgs({
      args: [...words],
      options: {
        kind: { type: 'string', default: 'staff' },
        organisation: { type: 'string' },
        role: { type: 'string' },
        user: { type: 'string' },
        purpose: { type: 'string' },
        reason: { type: 'string' },
        relationship: { type: 'string' },
        about: { type: 'string' },
        override: { type: 'string' },
        'override-reason': { type: 'string' },
        case: { type: 'string' },
        'nhs-number': { type: 'string' },
        scope: { type: 'string' },
        'no-attestation': { type: 'boolean', default: false },
        lifetime: { type: 'string' },
      },
    });
    const kind = KINDS.find((one) => one === values.kind);
    if (kind === undefined) throw new UsageError(`--kind is one of ${KINDS.join(', ')}.`);
    const lifetime = values.lifetime === undefined ? undefined : Number(values.lifetime);
    if (lifetime !== undefined && !(Number.isInteger(lifetime) && lifetime > 0)) {
      throw new UsageError('--lifetime is a whole number of seconds.');
    }
    const configuration = readConfiguration(environment(), packageRoot());
    if (configuration.mode !== 'demo') throw new Error('Only the demonstration gives tokens.');
    const asked = {
      kind,
      notOwnRecord: !values['no-attestation'],
      ...given({
        organisation: values.organisation,
        role: values.role,
        user: values.user,
        purpose: values.purpose,
        reason: values.reason,
        relationship: values.relationship,
        about: values.about,
        override: values.override,
        overrideReason: values['override-reason'],
        caseNumber: values.case,
        nhsNumber: values['nhs-number'],
        scope: values.scope,
      }),
      ...(lifetime === undefined ? {} : { lifetime }),
    };
    const token = await demonstrationToken(configuration, asked);
    await withService((service) => accountDemonstrationToken(service, token, asked));
    print(token);
    return 0;
  },
};

/** Only what was given: an option that is absent is not an option that is empty. */
function given<T extends Record<string, string | undefined>>(values: T): { [K in keyof T]?: string } {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]?: string;
  };
}
