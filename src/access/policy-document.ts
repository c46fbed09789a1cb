import { SERVED_NAMES } from '../fhir/served.ts';
import { DATA_CLASSES } from './data-classes.ts';
import type { CallerKind, Rule } from './rule.ts';

const KINDS: { readonly [Kind in CallerKind]: string } = {
  staff: 'Staff: a person with a work login, or named by a partner system',
  system: 'System: a partner service without a user',
  patient: 'Patient: a person with their own record',
  governance: 'Governance: a named role of the desks',
};

/**
 * The policy as people read it, printed from the list that decides. `docs/policy.md` is this text.
 *
 * @param rules in their order
 * @returns Markdown, ending in a line break
 */
export function policyDocument(rules: readonly Rule[]): string {
  return `${[HEADING, order(rules), ...rules.map(section), classes()].join('\n\n')}\n`;
}

const HEADING = `# Who may see what

Printed from \`src/access/rules.ts\` by \`npx mcr policy\`: change the rules, not this page.

Every question is put to every rule, in this order. Any refusal wins; where several refuse, the first in this order
is the one given. What rules leave out adds up, and leaves no trace in the answer. Without a rule that allows, the
answer is no. A rule that cannot be judged is a refusal.`;

function order(rules: readonly Rule[]): string {
  const kinds = Object.keys(KINDS) as CallerKind[];
  const head = `| Rule | No. | ${kinds.join(' | ')} |\n|---|---|${kinds.map(() => '---').join('|')}|`;
  const lines = rules.map((rule) => {
    const cells = kinds.map((kind) => (rule.applies[kind].judges ? 'judges' : '-'));
    return `| [${rule.name}](#${rule.name}) | ${number(rule)} | ${cells.join(' | ')} |`;
  });
  return [head, ...lines].join('\n');
}

function section(rule: Rule): string {
  const kinds = Object.keys(KINDS) as CallerKind[];
  const lines = kinds.map((kind) => {
    const { judges, meaning } = rule.applies[kind];
    return `- ${KINDS[kind]}. ${judges ? 'Judged' : 'Does not apply'}: ${meaning}.`;
  });
  return [`## ${rule.name}`, `**${rule.says}**`, `Source: ${rule.cites}.`, lines.join('\n')].join('\n\n');
}

function number(rule: Rule): string {
  return rule.number === 0 ? '' : String(rule.number);
}

function classes(): string {
  const names = [...new Set(SERVED_NAMES.map((type) => DATA_CLASSES[type]))];
  const lines = names.map((name) => {
    const types = SERVED_NAMES.filter((type) => DATA_CLASSES[type] === name);
    return `| ${name} | ${types.join(', ')} |`;
  });
  return [
    '## Classes of data',
    'What role tables speak of.',
    ['| Class | Types |', '|---|---|', ...lines].join('\n'),
  ].join('\n\n');
}
