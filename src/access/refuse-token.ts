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

/** Why a user assertion of a client is refused. */
export const ASSERTION_REFUSALS = {
  'assertion-malformed': 'The user assertion is not a signed JWT in compact form, of at most 8 kB.',
  'assertion-type': 'The user assertion must have the type mcr-user-assertion+jwt.',
  'assertion-client':
    'A user assertion is for a service whose own token it comes with, which issues it, and whose keys are registered.',
  'assertion-audience': 'The user assertion must have the FHIR base as its only audience.',
  'assertion-expired':
    'The user assertion has expired, or is older than this service. Make one for each request.',
  'assertion-not-yet-valid': 'The user assertion is not valid yet. Check the clocks.',
  'assertion-signature': 'The signature of the user assertion cannot be verified with the registered keys.',
  'assertion-claims':
    'The user assertion lacks a claim, has one of a wrong form, or lives longer than five minutes.',
  'assertion-replayed': 'The user assertion was used before. Make one for each request.',
} as const;

export function refuseAssertion(reason: keyof typeof ASSERTION_REFUSALS): Problem {
  return new Problem('unauthenticated', ASSERTION_REFUSALS[reason], { reason });
}
