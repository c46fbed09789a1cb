import type { HttpServices } from './services.ts';

/** SMART App Launch 2.2 discovery (specification facts 3.4): what there is today, and no more. */
export function smartConfiguration(smart: HttpServices['smart']): object {
  return {
    issuer: smart.issuer,
    jwks_uri: smart.jwksUri,
    token_endpoint: smart.tokenEndpoint,
    grant_types_supported: ['client_credentials'],
    token_endpoint_auth_methods_supported: ['private_key_jwt'],
    token_endpoint_auth_signing_alg_values_supported: ['RS384', 'ES384'],
    code_challenge_methods_supported: ['S256'],
    scopes_supported: ['patient/*.rs', 'user/*.rs', 'system/*.rs'],
    capabilities: [
      'client-confidential-asymmetric',
      'permission-patient',
      'permission-user',
      'permission-v1',
      'permission-v2',
    ],
  };
}
