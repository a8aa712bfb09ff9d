/** A file of readings with timestamps, as `run --metrics` writes it, read back to be played. */

export interface Playback {
  /** From the first reading to the last, µs. */
  durationUs: number;
  /** Between two readings of a series, µs: the shortest there is. */
  stepUs: number;
  /** The latest reading of each series at most two steps old, so many µs after the first reading. */
  at(us: number): { name: string; labels: string; value: number }[];
}

interface Series {
  name: string;
  labels: string;
  /** Unix µs, ascending. */
  at: number[];
  value: number[];
}

const LINE = /^([A-Za-z_:][\w:]*)(\{[^\n]*\})? (\S+) (\d+(?:\.\d+)?)$/;

/** Throws a sentence with the line that is none. */
export function playback(text: string): Playback {
  const all = new Map<string, Series>();
  let ended = false;
  let line = 0;
  for (let from = 0; from < text.length; ) {
    let to = text.indexOf('\n', from);
    if (to < 0) to = text.length;
    const row = text.slice(from, to).replace(/\r$/, '');
    from = to + 1;
    line++;
    if (row === '') continue;
    if (row.startsWith('#')) {
      ended ||= row === '# EOF';
      continue;
    }
    const match = LINE.exec(row);
    const value = match === null ? Number.NaN : Number(match[3]);
    if (match === null || Number.isNaN(value))
      throw new Error(
        `line ${line} is no reading with a timestamp: found '${row.slice(0, 60)}', expected NAME{LABELS} VALUE UNIX_SECONDS`,
      );
    const key = match[1] + (match[2] ?? '');
    let series = all.get(key);
    if (series === undefined) all.set(key, (series = { name: match[1], labels: match[2] ?? '', at: [], value: [] }));
    const us = Math.round(Number(match[4]) * 1e6);
    if (series.at.length > 0 && series.at[series.at.length - 1] >= us)
      throw new Error(`line ${line}: the timestamps of a series must ascend`);
    series.at.push(us);
    series.value.push(value);
  }
  if (!ended) throw new Error('the file is cut short: it does not end in # EOF');
  if (all.size === 0) throw new Error('there is no reading in the file');
  const list = [...all.values()];
  const first = list.reduce((least, { at }) => Math.min(least, at[0]), Infinity);
  const last = list.reduce((most, { at }) => Math.max(most, at[at.length - 1]), 0);
  const steps = list.filter(({ at }) => at.length > 1).map(({ at }) => at[1] - at[0]);
  const step = steps.length === 0 ? 60e6 : steps.reduce((least, s) => Math.min(least, s), Infinity);
  return {
    durationUs: last - first,
    stepUs: step,
    at(us) {
      const now = first + us;
      return list.flatMap(({ name, labels, at, value }) => {
        let [low, high] = [0, at.length];
        while (low < high) {
          const middle = (low + high) >> 1;
          if (at[middle] <= now) low = middle + 1;
          else high = middle;
        }
        return low > 0 && now - at[low - 1] < 2 * step ? [{ name, labels, value: value[low - 1] }] : [];
      });
    },
  };
}
