import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { CALLERS, type CallerName, type Sample } from './samples.ts';
import type { RunningService } from './service.ts';

/** What became of a row of the table. */
export interface Collected {
  readonly sample: Sample;
  /** the answer's file, where there is one to validate */
  readonly file?: string;
  /** where the answer was not the one expected: a sentence */
  readonly wrong?: string;
  /** of a row marked `later`: whether the service does it by now */
  readonly there?: boolean;
}

/** An answer's JSON, as far as later rows look into it. */
interface Answered {
  readonly id?: string;
  readonly meta?: { readonly versionId?: string };
  readonly link?: readonly { readonly relation: string; readonly url: string }[];
  readonly entry?: readonly { readonly resource?: Answered; readonly search?: { readonly mode?: string } }[];
  readonly issue?: readonly { readonly details?: { readonly text?: string } }[];
}

/** Statuses with which a service says that it does not do a thing. */
const NOT_DONE = [400, 404, 405, 406, 415, 501];

/** Asks every row of the table and writes each FHIR answer to a file of the folder. */
export async function collect(
  service: RunningService,
  samples: readonly Sample[],
  folder: string,
  signal: AbortSignal,
): Promise<readonly Collected[]> {
  const answers = new Map<string, Answered>();
  const collected: Collected[] = [];
  for (const [index, sample] of samples.entries()) {
    signal.throwIfAborted();
    const filled = (text: string): string => fill(text, service, answers);
    let asked: Asked;
    try {
      asked = await ask(service, sample, filled);
    } catch (error) {
      const why = error instanceof Error ? error.message : 'it failed';
      collected.push(sample.later ? { sample, there: false } : { sample, wrong: why });
      continue;
    }
    const outcome = judged(sample, asked);
    if (outcome.wrong === undefined && outcome.there !== false) {
      const file = `${String(index).padStart(3, '0')}-${sample.name.replace(/[^A-Za-z0-9]+/g, '-')}.json`;
      writeFileSync(join(folder, file), asked.text);
      answers.set(sample.name, asked.json ?? {});
      collected.push({ ...outcome, file });
    } else collected.push(outcome);
  }
  return collected;
}

interface Asked {
  readonly status: number;
  readonly type: string;
  readonly text: string;
  readonly json: Answered | undefined;
}

async function ask(
  service: RunningService,
  { method = 'GET', path, as, headers, body }: Sample,
  filled: (text: string) => string,
): Promise<Asked> {
  const token = await tokenOf(service, as);
  const at = filled(path);
  const response = await fetch(`${service.fhirBase}${at === '' ? '' : `/${at}`}`, {
    method,
    headers: {
      accept: 'application/fhir+json',
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      ...headers,
    },
    ...(body === undefined ? {} : { body: filled(body) }),
  });
  const text = await response.text();
  return {
    status: response.status,
    type: response.headers.get('content-type') ?? 'none',
    text,
    json: parsed(text),
  };
}

function tokenOf(service: RunningService, as: CallerName): Promise<string> | string | undefined {
  if (as === 'nobody') return undefined;
  if (as === 'impostor') return 'e30.e30.e30';
  const options = CALLERS[as];
  return as.startsWith('self: ')
    ? service.token({ ...options, nhsNumber: service.numberOf(as.slice('self: '.length)) })
    : service.token(options);
}

/** Whether an answer has the status and the kind of body that its row asks for. */
function judged(sample: Sample, { status, type, json }: Asked): Collected {
  if (status !== sample.status) {
    if (sample.later === true && NOT_DONE.includes(status)) return { sample, there: false };
    const said = json?.issue?.[0]?.details?.text ?? '';
    return { sample, wrong: `${status} instead of ${sample.status}. ${said}`.trim() };
  }
  if (!type.startsWith('application/fhir+json')) return { sample, wrong: `its Content-Type is ${type}` };
  if (json === undefined) return { sample, wrong: 'it is no JSON' };
  return { sample, ...(sample.later === true ? { there: true } : {}) };
}

function parsed(text: string): Answered | undefined {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** @throws Error where the earlier answer does not hold what is asked of it */
function fill(text: string, service: RunningService, answers: ReadonlyMap<string, Answered>): string {
  return text
    .replaceAll('{today}', new Date().toISOString().slice(0, 10))
    .replaceAll(/\{(\w+) (?:of|in) ([^{}]+)\}/g, (_, what: string, name: string) => {
      if (what === 'number') return service.numberOf(name);
      if (what === 'person') return service.personOf(name);
      const answer = answers.get(name);
      const found = answer === undefined ? undefined : takenFrom(answer, what, service.fhirBase);
      if (found === undefined) throw new Error(`there is no ${what} in the answer to "${name}"`);
      return found;
    });
}

function takenFrom(answer: Answered, what: string, fhirBase: string): string | undefined {
  const match = answer.entry?.find(({ search }) => search?.mode === 'match')?.resource;
  const resource = answer.entry === undefined && answer.link === undefined ? answer : match;
  switch (what) {
    case 'id':
      return resource?.id;
    case 'version':
      return resource?.meta?.versionId;
    case 'next':
      return answer.link?.find(({ relation }) => relation === 'next')?.url.slice(fhirBase.length + 1);
    default:
      return new RegExp(`"${what}/([A-Za-z0-9.-]+)"`).exec(JSON.stringify(answer))?.[1];
  }
}
