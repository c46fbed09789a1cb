import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Certificate } from '../certificate.ts';
import { LoadFailed } from '../options.ts';
import { isTemporaryName } from '../temporary-names.ts';
import { type Arrival, isWhole, lookAt } from './arrival.ts';
import { ASIDE, type Aside, asideOf, forgetAside, isFolder, moveAside } from './aside.ts';

/**
 * Where extracts are delivered: a folder per source, in it a folder per extract. One is loaded when it is whole and
 * nothing of it has changed for a while, and is moved aside with its certificate. Repeating any of it does no harm.
 */

export interface InboxOptions {
  /** holds a folder per source, by the source's code */
  readonly root: string;
  readonly sources: readonly string[];
  /** milliseconds for which nothing of an extract may have changed */
  readonly quiet: number;
  /** milliseconds after which an extract that is not whole, and does not change, is refused as it is */
  readonly patience: number;
  /** milliseconds for which extracts are kept once they are moved aside */
  readonly keep: number;
  readonly load: (source: string, folder: string) => Promise<Certificate>;
  /** @returns what gives the source's inbox back; undefined where another process has it */
  readonly claim: (source: string) => Promise<(() => Promise<void>) | undefined>;
  readonly say: (event: InboxEvent) => void;
  /** milliseconds since the epoch */
  readonly now: () => number;
}

/** For the log. No name that a partner gave is in it, but for that of an extract that was taken up. */
export interface InboxEvent {
  readonly what: 'loaded' | 'failed' | 'link-refused' | 'unreadable';
  readonly source: string;
  readonly extract?: string;
  readonly aside?: Aside;
  readonly result?: Certificate['result'];
}

/** What is known of an extract that is not moved aside yet. */
interface Watched {
  fingerprint: string;
  /** since when it is as it is */
  since: number;
  /** files were compared with the manifest, as they are now */
  whole?: boolean;
  failures: number;
  notBefore: number;
}

const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/;
const FIRST_RETRY = 60_000;
const LAST_RETRY = 3_600_000;

interface Candidate {
  readonly name: string;
  readonly watched: Watched;
  readonly arrival: Arrival;
}

export class Inbox {
  readonly #options: InboxOptions;
  readonly #watched = new Map<string, Watched>();

  constructor(options: InboxOptions) {
    this.#options = options;
  }

  /** Looks at every source once, and loads what is ready: of one source one after the other, by sequence. */
  async round(): Promise<void> {
    await Promise.all(this.#options.sources.map((source) => this.#source(source)));
  }

  async #source(source: string): Promise<void> {
    const { root, claim, say, keep, now } = this.#options;
    const folder = join(root, source);
    if (!(await isFolder(folder))) return;
    let release: (() => Promise<void>) | undefined;
    try {
      const { found, links } = await this.#delivered(source, folder);
      const ready = await this.#ready(folder, found);
      if (ready.length === 0 && links.length === 0) return;
      release = await claim(source);
      if (release === undefined) return;
      for (const name of links) await this.#refuseLink(source, folder, name);
      for (const { name } of ready) if (!(await this.#load(source, folder, name))) break;
      await forgetAside(folder, now() - keep);
    } catch {
      say({ what: 'unreadable', source });
    } finally {
      await release?.();
    }
  }

  /** What is there, by sequence. Plain files, and names that are no extract's, are nobody's business. */
  async #delivered(
    source: string,
    folder: string,
  ): Promise<{ readonly found: readonly Candidate[]; readonly links: readonly string[] }> {
    const found: Candidate[] = [];
    const links: string[] = [];
    const keys = new Set<string>();
    for (const entry of await readdir(folder, { withFileTypes: true })) {
      const { name } = entry;
      if (isTemporaryName(name) || !NAME.test(name) || ASIDE.some((aside) => aside === name)) continue;
      if (entry.isSymbolicLink()) links.push(name);
      if (!entry.isDirectory()) continue;
      const key = `${source}/${name}`;
      const candidate = await this.#look(key, folder, name);
      if (candidate === undefined) continue;
      keys.add(key);
      found.push(candidate);
    }
    for (const key of this.#watched.keys()) {
      if (key.startsWith(`${source}/`) && !keys.has(key)) this.#watched.delete(key);
    }
    found.sort((a, b) => sequenceOf(a) - sequenceOf(b) || (a.name < b.name ? -1 : 1));
    return { found, links };
  }

  /** Whatever follows one that is still arriving waits for it. */
  async #ready(folder: string, found: readonly Candidate[]): Promise<readonly Candidate[]> {
    const ready: Candidate[] = [];
    for (const candidate of found) {
      if (await this.#isReady(join(folder, candidate.name), candidate)) ready.push(candidate);
      else if (candidate.arrival.manifest !== undefined) break;
    }
    return ready;
  }

  async #refuseLink(source: string, folder: string, name: string): Promise<void> {
    await moveAside(
      folder,
      name,
      'refused',
      { source, result: 'refused', reason: LINK },
      this.#options.now(),
    );
    this.#options.say({ what: 'link-refused', source });
  }

  async #look(key: string, folder: string, name: string): Promise<Candidate | undefined> {
    const arrival = await lookAt(join(folder, name)).catch(() => undefined);
    // moved aside by another process, or renamed by its sender
    if (arrival === undefined) return undefined;
    let watched = this.#watched.get(key);
    if (watched?.fingerprint !== arrival.fingerprint) {
      watched = { fingerprint: arrival.fingerprint, since: this.#options.now(), failures: 0, notBefore: 0 };
      this.#watched.set(key, watched);
    }
    return { name, watched, arrival };
  }

  async #isReady(folder: string, { watched, arrival }: Candidate): Promise<boolean> {
    const { now, quiet, patience } = this.#options;
    const unchanged = now() - watched.since;
    if (unchanged < quiet || now() < watched.notBefore) return false;
    if (arrival.manifest !== undefined && arrival.missing === 0) {
      watched.whole ??= await isWhole(folder, arrival.manifest);
      if (watched.whole) return true;
    }
    // it will not get better: the load says what is wrong with it, and its certificate tells the source
    return unchanged >= patience;
  }

  /** @returns whether the next one may be loaded */
  async #load(source: string, folder: string, name: string): Promise<boolean> {
    const { load, say, now, patience } = this.#options;
    const watched = this.#watched.get(`${source}/${name}`);
    if (watched === undefined || !(await isFolder(join(folder, name)))) return true;
    try {
      const certificate = await load(source, join(folder, name));
      const aside = asideOf(certificate);
      const early = certificate.reason?.rule === 'sequence-gap' && now() - watched.since < patience;
      // what lies between may be on its way still
      if (aside === undefined || early) return this.#again(watched);
      const extract = await moveAside(folder, name, aside, certificate, now());
      say({ what: 'loaded', source, extract, aside, result: certificate.result });
      if (certificate.result === 'published') this.#encourage(source);
      return true;
    } catch (error) {
      const result = error instanceof LoadFailed ? { result: error.certificate.result } : {};
      say({ what: 'failed', source, extract: name, ...result });
      return this.#again(watched);
    }
  }

  #again(watched: Watched): false {
    watched.notBefore = this.#options.now() + Math.min(FIRST_RETRY * 2 ** watched.failures, LAST_RETRY);
    watched.failures += 1;
    return false;
  }

  /** What came before its turn may have its turn now. */
  #encourage(source: string): void {
    for (const [key, watched] of this.#watched) if (key.startsWith(`${source}/`)) watched.notBefore = 0;
  }
}

const LINK = {
  rule: 'file-kind',
  sentence: 'What was delivered is a link: send the folder itself.',
} as const;

/** Without a manifest it is not known, and waits for nobody. */
function sequenceOf({ arrival }: Candidate): number {
  return arrival.manifest?.sequence ?? 0;
}
