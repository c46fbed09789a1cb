/** The two policies a person's consent is about: read from extracts, shown in Consents, the same URL in both. */
export const HEALTH_OPT_OUT = 'https://mycarerecord.example/policy/health-optout/v1';
export const SOCIAL_CARE_OPT_IN = 'https://mycarerecord.example/policy/socialcare-optin/v1';
