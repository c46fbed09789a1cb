import { Problem } from '../fhir/problem.ts';

/** Why a token is refused, and what the outside is told: the class, never the detail. */
export const TOKEN_REFUSALS = {
  'token-missing': 'Send an access token: Authorization: Bearer, then the token.',
  'token-malformed': 'The access token is not a signed JWT in compact form.',
  'token-expired': 'The access token has expired. Ask for a new one.',
  'token-not-yet-valid': 'The access token is not valid yet. Check the clocks.',
  'token-signature': 'The signature of the access token cannot be verified.',
  'token-issuer': 'The access token is of an issuer that is not accepted here.',
  'token-audience': 'The access token was issued for another service.',
  'token-type': 'This is not an access token.',
  'token-claims': 'The access token does not say what this service needs to know.',
  'token-too-large': 'The access token is too large.',
} as const;

export type TokenRefusal = keyof typeof TOKEN_REFUSALS;

export function refuseToken(reason: TokenRefusal): Problem {
  return new Problem('unauthenticated', TOKEN_REFUSALS[reason], { reason });
}
