/** Readers that come at a fixed rate, whether or not the ones before have been answered: no wait is left out. */
export interface OpenLoop {
  /** Ends it; milliseconds from when each request was due until its answer was whole. */
  stop(): Promise<readonly number[]>;
}

/** @param paths asked in turn @param perSecond requests that are due in a second */
export function openLoop(
  base: string,
  paths: readonly string[],
  headers: Readonly<Record<string, string>>,
  perSecond: number,
): OpenLoop {
  const began = performance.now();
  const taken: number[] = [];
  const running = new Set<Promise<void>>();
  let sent = 0;
  const ask = async (path: string, due: number): Promise<void> => {
    const answer = await fetch(`${base}${path}`, { headers });
    await answer.arrayBuffer();
    if (answer.status !== 200) throw new Error(`The measurement is void: an answer was ${answer.status}.`);
    taken.push(performance.now() - due);
  };
  const timer = setInterval(() => {
    const dueByNow = Math.floor(((performance.now() - began) / 1000) * perSecond);
    for (; sent < dueByNow; sent += 1) {
      const due = began + ((sent + 1) / perSecond) * 1000;
      const one = ask(paths[sent % paths.length] ?? '', due).finally(() => running.delete(one));
      running.add(one);
      // told when the loop is stopped
      one.catch((fault: unknown) => faults.push(fault));
    }
  }, 5);
  const faults: unknown[] = [];
  return {
    async stop() {
      clearInterval(timer);
      await Promise.allSettled(running);
      if (faults.length > 0) throw faults[0];
      return taken;
    },
  };
}

/** @param share 0.99 for the p99; 0 where nothing was measured */
export function percentile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.ceil(share * sorted.length) - 1)] ?? 0;
}
