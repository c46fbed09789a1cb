import type pg from 'pg';
import type { Test } from 'tap';
import { GP } from './hard-cases.ts';
import { comparable, eventsOf, idsIn, unaccounted } from './planted.ts';
import type { TestAnswer, TestService } from './service.ts';
import { CANARY, HIDDEN } from './tangled-record.ts';

/** An id that nothing ever had. */
export const NEVER = '99999999-2222-4333-8444-555555555555';

/** How a test asks: by default as a general practitioner. */
export interface Gate {
  /**
   * Asks, and checks what holds of every answer: nothing hidden in it, everything in it accounted for, and the attempt an
   * event.
   */
  ask(t: Test, path: string, by?: string): Promise<TestAnswer>;
  /** Asks for a search that gives out these matches, and these beside them. */
  gives(
    t: Test,
    path: string,
    matches: readonly string[],
    included?: readonly string[],
    by?: string,
  ): Promise<TestAnswer>;
  refused(t: Test, path: string, status: number, by?: string): Promise<TestAnswer>;
  /** Asks for two ids: the answers are the same to the last byte, but for the id itself. */
  alike(t: Test, path: (id: string) => string, one: string, two: string, by?: string): Promise<void>;
  /** a GP's token with other scopes */
  scoped(scope: string): Promise<string>;
  /** the token of a person of the county */
  citizenOf(name: string, scope?: string): Promise<string>;
}

/** @param names what ids are called in the names of assertions */
export async function gateOf(
  service: TestService,
  client: pg.Client,
  names: Readonly<Record<string, string>>,
): Promise<Gate> {
  const gp = await service.token(GP);
  let asked = 0;
  const named = (path: string): string =>
    Object.entries(names)
      .reduce((text, [name, id]) => text.replaceAll(id, name), path)
      .slice(0, 100);
  const ask = async (t: Test, path: string, by = gp): Promise<TestAnswer> => {
    asked += 1;
    const requestId = `gate-${asked}`;
    const answer = await service.get(path, by, { 'x-request-id': requestId });
    t.notMatch(answer.text, CANARY, `${named(path)}: nothing of a hidden row`);
    t.notOk(
      idsIn(answer).some((id) => HIDDEN.includes(id)),
      `${named(path)}: no hidden row`,
    );
    t.strictSame(await unaccounted(client, answer), [], `${named(path)}: all of it is accounted for`);
    t.not((await eventsOf(client, requestId)).length, 0, `${named(path)}: it is an event`);
    t.not(answer.status, 500, named(path));
    return answer;
  };
  return {
    ask,
    async gives(t, path, matches, included = [], by) {
      const answer = await ask(t, path, by);
      t.equal(answer.status, 200, named(path));
      t.strictSame([...idsIn(answer, 'match')].sort(), [...matches].sort(), `${named(path)}: matches`);
      t.strictSame([...idsIn(answer, 'include')].sort(), [...included].sort(), `${named(path)}: beside them`);
      return answer;
    },
    async refused(t, path, status, by) {
      const answer = await ask(t, path, by);
      t.equal(answer.status, status, `${named(path)}: ${answer.text.slice(0, 200)}`);
      t.equal(answer.json?.resourceType, 'OperationOutcome');
      return answer;
    },
    async alike(t, path, one, two, by) {
      const [left, right] = [await ask(t, path(one), by), await ask(t, path(two), by)];
      t.equal(
        comparable(left).replaceAll(one, 'ID'),
        comparable(right).replaceAll(two, 'ID'),
        named(path(one)),
      );
    },
    scoped: (scope) => service.token({ ...GP, scope }),
    citizenOf: (name, scope = 'patient/*.rs') =>
      service.token({ kind: 'patient', nhsNumber: service.person(name).nhsNumber ?? '', scope }),
  };
}
