import { createCipheriv, createDecipheriv, createHash, randomBytes } from 'node:crypto';
import { deflateRawSync, inflateRawSync } from 'node:zlib';
import type { Interaction, PageStart } from '../access/ask.ts';
import type { Caller } from '../access/caller.ts';
import { Problem } from '../fhir/problem.ts';

/** How long a next link works. */
const LIFETIME = 15 * 60 * 1000;

const NOT_OURS = 'The page token is not valid for this request. Start the search again.';

/** What a further page asks, as it was asked: it is understood and decided on anew. */
export interface PageQuestion {
  readonly interaction: Interaction;
  readonly type: string;
  /** of an interaction on one resource */
  readonly id?: string;
  /** names and values, decoded */
  readonly query: readonly (readonly [string, string])[];
}

/** A page token opened: the question, and where the page begins. */
export interface FurtherPage {
  readonly question: PageQuestion;
  readonly after: PageStart;
}

/** What an opened token may hold at most, so that one that is not ours cannot be blown up. */
const LARGEST = 64 * 1024;

/**
 * Next links are sealed: they hold the question, the publication all pages are read at, the last sort key and whose
 * they are. They say where to go on, and authorise nothing: every page is decided anew (attack catalogue S-39).
 */
export class PageTokens {
  readonly #key: Buffer;

  /** @param key 32 bytes, secret, the same for all instances */
  constructor(key: Buffer) {
    if (key.length !== 32) throw new Error('The page token key must have 32 bytes.');
    this.#key = key;
  }

  seal(page: FurtherPage, caller: Caller, now: number): string {
    const content = JSON.stringify({ page, caller: holder(caller), until: now + LIFETIME });
    // a next link is a URL: it must not outgrow what servers and proxies take
    const plain = deflateRawSync(Buffer.from(content));
    const nonce = randomBytes(12);
    const cipher = createCipheriv('aes-256-gcm', this.#key, nonce);
    const sealed = Buffer.concat([cipher.update(plain), cipher.final()]);
    return Buffer.concat([nonce, cipher.getAuthTag(), sealed]).toString('base64url');
  }

  /** @throws Problem `invalid` for a token that is not ours, was altered or is another caller's; `gone` when it is old */
  open(token: string, caller: Caller, now: number): FurtherPage {
    const content = this.#unseal(token);
    if (content.caller !== holder(caller)) throw new Problem('invalid', NOT_OURS, { expression: ['_page'] });
    if (content.until < now) {
      throw new Problem('gone', 'The page token has expired. Start the search again.', {
        expression: ['_page'],
      });
    }
    return content.page;
  }

  #unseal(token: string): { page: FurtherPage; caller: string; until: number } {
    try {
      const bytes = Buffer.from(token, 'base64url');
      const decipher = createDecipheriv('aes-256-gcm', this.#key, bytes.subarray(0, 12));
      decipher.setAuthTag(bytes.subarray(12, 28));
      const plain = Buffer.concat([decipher.update(bytes.subarray(28)), decipher.final()]);
      return JSON.parse(inflateRawSync(plain, { maxOutputLength: LARGEST }).toString('utf8'));
    } catch {
      throw new Problem('invalid', NOT_OURS, { expression: ['_page'] });
    }
  }
}

/** Whose the token is: the same person or service, at the same client, in the same capacity. */
function holder(caller: Caller): string {
  const parts = [
    caller.kind,
    caller.issuer,
    caller.subject,
    caller.client,
    'user' in caller && caller.user.id,
  ];
  return createHash('sha256').update(JSON.stringify(parts)).digest('base64url');
}
