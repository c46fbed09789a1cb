import { scopeText } from './access/scopes.ts';
import { doneHere } from './operator-event.ts';
import type { Service } from './wire.ts';

/**
 * Tells the audit log of a token that was made, before it is given to anybody: whom it proves, for what and for how
 * long. The token itself, and what would let it be made again, is in no event.
 *
 * @param request as it was asked for; without secrets and without anybody's NHS number
 * @throws Error where this service would not take the token, or it cannot be told: then it must not be given
 */
export async function accountToken(
  { callerOf, account, configuration }: Pick<Service, 'callerOf' | 'account' | 'configuration'>,
  token: string,
  { request, seconds }: { readonly request: string; readonly seconds: number },
): Promise<void> {
  const caller = await callerOf(token);
  const organisation = 'organisation' in caller ? { organisation: caller.organisation } : {};
  const grounds =
    caller.kind === 'staff'
      ? { reason: caller.reason }
      : caller.kind === 'governance'
        ? { 'case-number': caller.caseNumber }
        : {};
  await account({
    ...doneHere({
      what: 'token-issue',
      description: 'Access token made',
      policyVersion: configuration.policy.version,
      details: {
        caller: caller.kind,
        scope: scopeText(caller.scopes),
        ...organisation,
        ...grounds,
        seconds: String(seconds),
      },
    }),
    caller,
    rawRequest: request,
  });
}
