import type { HttpServices } from './services.ts';

/**
 * SMART App Launch 2.2 discovery (specification facts 3.4): what there is today, and no more. Tokens come from the
 * partners' own issuers; where the configuration names an authorization server for clients, it is announced.
 */
export function smartConfiguration(smart: HttpServices['smart']): object {
  const permissions = {
    scopes_supported: ['patient/*.rs', 'user/*.rs', 'system/*.rs'],
    code_challenge_methods_supported: ['S256'],
  };
  const capabilities = ['permission-patient', 'permission-user', 'permission-v1', 'permission-v2'];
  if (smart === undefined) return { ...permissions, grant_types_supported: [], capabilities };
  return {
    issuer: smart.issuer,
    ...(smart.jwksUri === undefined ? {} : { jwks_uri: smart.jwksUri }),
    token_endpoint: smart.tokenEndpoint,
    token_endpoint_auth_methods_supported: ['private_key_jwt'],
    token_endpoint_auth_signing_alg_values_supported: ['RS384', 'ES384'],
    grant_types_supported: ['client_credentials'],
    ...permissions,
    capabilities: ['client-confidential-asymmetric', ...capabilities],
  };
}
