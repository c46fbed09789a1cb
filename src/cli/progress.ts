import type { LoadProgress } from '../loads/context.ts';
import { progress } from './command.ts';

/** A rate is of use once the phase has run for so many milliseconds. */
const SETTLED = 500;

/**
 * How far a phase of a load has come: rows (bytes while files are copied), rate, time left.
 *
 * @param elapsed milliseconds since the phase began
 */
export function progressText(phase: string, done: number, total: number, elapsed: number): string {
  if (done <= 0) return total > 0 ? `${phase}: 0 of ${total}` : phase;
  const unit = phase === 'stage' ? 'bytes' : 'rows';
  const rate = elapsed < SETTLED ? 0 : done / (elapsed / 1000);
  const known = total > done ? `${phase}: ${done} of ${total} ${unit}` : `${phase}: ${done} ${unit}`;
  if (rate === 0) return known;
  const left = total > done ? `, ${duration((total - done) / rate)} left` : '';
  return `${known}, ${Math.round(rate)} a second${left}`;
}

/** Progress of a load on standard error, each phase timed from its beginning. */
export function loadProgress(
  say: (line: string) => void = progress(),
  now: () => number = Date.now,
): LoadProgress {
  let current = '';
  let began = 0;
  return (phase, done, total) => {
    if (phase !== current) {
      current = phase;
      began = now();
    }
    say(progressText(phase, done, total, now() - began));
  };
}

function duration(seconds: number): string {
  const whole = Math.ceil(seconds);
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.ceil(whole / 60)} min`;
  return `${Math.floor(whole / 3600)} h ${Math.ceil((whole % 3600) / 60)} min`;
}
