import type { ServedTypeName } from '../../fhir/served.ts';
import type { Ask, Interaction } from '../ask.ts';
import type { GovernanceCaller, StaffCaller } from '../caller.ts';
import { DATA_CLASSES, isDirectory } from '../data-classes.ts';
import type { Facts } from '../facts.ts';
import type { DataClass, RolePolicy, RoleTable } from '../policy.ts';
import { roleOf } from '../role-table.ts';
import { doesNotApply, forbid, judges, NO_OPINION, type Rule, type Verdict, withhold } from '../rule.ts';

const NOT_LISTED =
  'Your organisation has not given your role access to the shared record. Ask your information governance lead.';
const NOT_THIS = 'Your role does not include this kind of information. Ask your information governance lead.';
const NOT_A_DESK = 'This is open to information governance roles only. Ask your information governance lead.';

export const roleRule: Rule = {
  name: 'role',
  number: 3,
  says: "What people see at work follows from their role, by their own organisation's table; the audit log is for information governance roles.",
  cites: 'Role-based access (chapter 6.2); DESIGN 4, rule 3',
  applies: {
    staff: judges(
      "the classes of data that the organisation gives everyone, narrowed by the role's profile; never the audit log",
    ),
    system: doesNotApply('a system has no role; without a named user it sees nothing of a person (rule 4)'),
    patient: doesNotApply('a person has no role in their own record'),
    governance: judges(
      "the classes listed for the role; audit events of the officer's own organisation's people and about its patients, of every organisation for central monitoring",
    ),
  },
  judge(caller, ask, facts) {
    // about nobody: no role is needed to look up a surgery
    if (isDirectory(ask.type)) return NO_OPINION;
    if (caller.kind === 'governance') return judgeOfficer(caller, ask, facts);
    if (caller.kind === 'staff') return judgeStaff(caller, ask.type, facts);
    return forbid('role', NOT_LISTED);
  },
};

function judgeStaff(caller: StaffCaller, asked: ServedTypeName, facts: Facts): Verdict {
  const table = facts.policy.organisations.get(caller.organisation)?.roles;
  const role = roleOf(caller, facts);
  if (table === undefined || (role === undefined && table.unlisted !== 'base'))
    return forbid('role', NOT_LISTED);
  return versioned(onlyClasses(staffClasses(table, role), asked), table);
}

/** The table that was used, by its version: what a role meant on a day can be looked up afterwards. */
function versioned(verdict: Verdict, { version }: RoleTable): Verdict {
  return verdict.verdict === 'withhold' ? { ...verdict, noted: { 'role-table': version } } : verdict;
}

/** Everybody's classes, narrowed by the profile; the audit log is never among them. */
function staffClasses(table: RoleTable, role: RolePolicy | undefined): readonly DataClass[] {
  const classes = role === undefined ? table.base : table.base.filter((one) => role.classes.includes(one));
  return classes.filter((one) => one !== 'audit');
}

function judgeOfficer(caller: GovernanceCaller, { type: asked, interaction }: Ask, facts: Facts): Verdict {
  const table = facts.policy.organisations.get(caller.organisation)?.roles;
  const role = roleOf(caller, facts);
  if (table === undefined || role?.governance === undefined) return forbid('role', NOT_A_DESK);
  const everyOrganisation = role.governance === 'central-monitoring';
  const scope = { organisation: caller.organisation, patients: !OF_OWN_PEOPLE.has(interaction) };
  const shown = onlyClasses(role.classes, asked, everyOrganisation ? undefined : scope);
  return versioned(shown, table);
}

/** What was decided and released elsewhere is shown by the organisation whose people it was released to. */
const OF_OWN_PEOPLE: ReadonlySet<Interaction> = new Set(['explain-access', 'as-seen']);

/** Whose audit events an officer sees. */
interface AuditScope {
  /** whose people did it */
  readonly organisation: string;
  /** whether also what others did about its patients; not where an event is more than read */
  readonly patients: boolean;
}

/** @param scope absent: audit events of every organisation */
function onlyClasses(classes: readonly DataClass[], asked: ServedTypeName, scope?: AuditScope): Verdict {
  const includes = (type: ServedTypeName): boolean => {
    const dataClass = DATA_CLASSES[type];
    return dataClass === 'directory' || classes.includes(dataClass);
  };
  if (!includes(asked)) return forbid('role', NOT_THIS);
  return withhold({
    hides(_source, type) {
      if (!includes(type)) return 'all';
      if (type !== 'AuditEvent' || scope === undefined) return 'none';
      const { organisation, patients } = scope;
      return (row) => row.organisation !== organisation && !(patients && row.isPatient === true);
    },
  });
}
