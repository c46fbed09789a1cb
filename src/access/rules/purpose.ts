import type { GovernanceCaller, StaffCaller } from '../caller.ts';
import { isDirectory } from '../data-classes.ts';
import type { Facts } from '../facts.ts';
import { BREAK_THE_GLASS } from '../override.ts';
import { roleOf } from '../role-table.ts';
import { ALLOW, forbid, judges, NO_OPINION, type Rule, type Verdict } from '../rule.ts';

/** v3-ActReason: the purposes of direct care, for every role whose table entry names no others. */
export const DIRECT_CARE: readonly string[] = ['TREAT', 'ETREAT', 'CAREMGT', 'COC'];

/** What a role's entry may name at all. Payment, operations, research and public health are not what this is for. */
const NAMEABLE: readonly string[] = [...DIRECT_CARE, 'PATADMIN'];

/** The purpose of the desks, our own code. */
export const GOVERNANCE_PURPOSE = 'governance';

const FOR_OFFICERS =
  'Access is explained to information governance, for a case. Ask who looked at your record with AuditEvent.';

const LONGEST_REASON = 500;
const SOMETHING = /[\p{L}\p{N}]/u;
const CASE_NUMBER = /^[\p{L}\p{N}][\p{L}\p{N}./ _-]{0,63}$/u;

export const purposeRule: Rule = {
  name: 'purpose',
  number: 4,
  says: 'A record is opened for direct care, with the reason stated; by people for themselves; and by information governance for a numbered case. For nothing else.',
  cites: 'Purposes and reasons (chapter 6.3); specification facts 4.6 and 8.1; DESIGN 4, rule 4',
  applies: {
    staff: judges(
      `a purpose of direct care (${DIRECT_CARE.join(', ')}, or those the role's entry names; ${BREAK_THE_GLASS} with an override, and not without) and a reason of at most ${LONGEST_REASON} characters; local audit and incidents are reasons of direct care`,
    ),
    system: judges('never: a system without a named user has no purpose of its own; directories only'),
    patient: judges('self-access, implied by the token; it is none to have the access of others explained'),
    governance: judges(`the purpose \`${GOVERNANCE_PURPOSE}\` and a case number`),
  },
  judge(caller, ask, facts) {
    // a directory is about nobody: rule 1 decides
    if (isDirectory(ask.type)) return NO_OPINION;
    switch (caller.kind) {
      case 'patient':
        return ask.interaction === 'explain-access' ? forbid('purpose', FOR_OFFICERS) : ALLOW;
      case 'staff':
        return judgeStaff(caller, facts);
      case 'governance':
        return judgeOfficer(caller);
      case 'system':
        return forbid(
          'purpose',
          "A person's record is opened for a named user: state user, organisation, role, purpose and reason in the signed claims.",
        );
    }
  },
};

function judgeStaff(caller: StaffCaller, facts: Facts): Verdict {
  const named = roleOf(caller, facts)?.purposes?.filter((purpose) => NAMEABLE.includes(purpose));
  // breaking the glass is a purpose of its own, and the purpose of nothing else
  const allowed = caller.overrides === undefined ? (named ?? DIRECT_CARE) : [BREAK_THE_GLASS];
  if (!allowed.includes(caller.purpose)) {
    return forbid(
      'purpose',
      'The shared record is for direct care. State a purpose of direct care that your role may have.',
    );
  }
  if (!SOMETHING.test(caller.reason) || caller.reason.length > LONGEST_REASON) {
    return forbid(
      'purpose',
      `State the reason for opening this record, in at most ${LONGEST_REASON} characters.`,
    );
  }
  return ALLOW;
}

function judgeOfficer(caller: GovernanceCaller): Verdict {
  if (caller.purpose === GOVERNANCE_PURPOSE && CASE_NUMBER.test(caller.caseNumber)) return ALLOW;
  return forbid(
    'purpose',
    `State the purpose "${GOVERNANCE_PURPOSE}" and the number of the case that this belongs to.`,
  );
}
