/** What an import took, mended and refused, with the first problems by line. Memory is bounded however dirty the source. */

/** `import --json`: rows = taken + refused; mended rows are among the taken. */
export interface ImportReport {
  rows: number;
  taken: number;
  mended: number;
  refused: number;
  problemCount: number;
  problems: { line: number; what: string }[];
}

/** How an importer speaks about the row at hand. `kind` groups like remarks: the same on every row is one problem. */
export interface RowNotes {
  /** The row is taken, with a value changed. */
  mend(kind: string, what: string): void;
  /** The row cannot be used. */
  refuse(kind: string, what: string): null;
  /** Worth telling once, with the number of rows; changes nothing. */
  remark(what: string): void;
}

const SHOWN = 100;

interface Kind {
  count: number;
  first: { line: number; what: string }[];
  /** Counts as one problem however many rows it is about. */
  once: boolean;
}

export class ReportBuilder {
  rows = 0;
  taken = 0;
  mended = 0;
  private row = 0;
  private rowMended = false;
  private kinds = new Map<string, Kind>();

  /** What the reader of a row has to say goes to the row that was begun last. */
  readonly notes: RowNotes = {
    mend: (kind, what) => {
      this.rowMended = true;
      this.problem(`mend ${kind}`, this.row, what);
    },
    refuse: (kind, what) => {
      // Nothing to say: a row that is left out for a reason already told.
      if (what !== '') this.problem(`refuse ${kind}`, this.row, `refused: ${what}`);
      return null;
    },
    remark: (what) => this.problem(`remark ${what}`, this.row, what, true),
  };

  beginRow(line: number): void {
    this.row = line;
    this.rowMended = false;
    this.rows++;
  }

  takeRow(): void {
    this.taken++;
    if (this.rowMended) this.mended++;
  }

  problem(kind: string, line: number, what: string, once = false): void {
    let entry = this.kinds.get(kind);
    if (entry === undefined) this.kinds.set(kind, (entry = { count: 0, first: [], once }));
    entry.count++;
    if (entry.first.length < (entry.once ? 1 : SHOWN)) entry.first.push({ line, what });
  }

  finish(): ImportReport {
    let problemCount = 0;
    const problems: { line: number; what: string }[] = [];
    for (const { count, first, once } of this.kinds.values()) {
      const everyRow = count > 1 && count === this.rows;
      if (!once && !everyRow) {
        problemCount += count;
        problems.push(...first);
        continue;
      }
      problemCount++;
      const rows = everyRow ? `every row, ${count}` : count === 1 ? '1 row' : `${count} rows`;
      problems.push({ line: first[0].line, what: `${first[0].what} (${rows})` });
    }
    problems.sort((a, b) => a.line - b.line);
    const { rows, taken, mended } = this;
    return { rows, taken, mended, refused: rows - taken, problemCount, problems: problems.slice(0, SHOWN) };
  }
}
