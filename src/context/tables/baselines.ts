import type { DataFrame } from "danfojs-node";

/** A table as it was when a frame was equal to it: what tells later whether somebody else has changed it. */
export interface Baseline {
  /** Its name in SQL. */
  readonly table: string;
  /** PostgreSQL's `txid_current_snapshot`: the transactions whose rows were seen. */
  readonly snapshot: string;
  /** The transaction of our own that wrote the table last, if the snapshot was taken in it. */
  readonly ownTransaction?: string;
  readonly rowCount: number;
  /** The frame has only some of the rows. */
  readonly partial?: boolean;
}

/**
 * What a context has read and written. Frames carry no metadata, and danfo makes a new one for most operations: a
 * frame that is not known itself is taken for one made of the last whole read of the table.
 */
export class Baselines {
  readonly #ofFrames = new WeakMap<DataFrame, Baseline>();
  readonly #ofTables = new Map<string, Baseline>();

  remember(frame: DataFrame, baseline: Baseline): void {
    this.#ofFrames.set(frame, baseline);
    if (!baseline.partial) this.#ofTables.set(baseline.table, baseline);
  }

  find(frame: DataFrame, table: string): Baseline | undefined {
    const known = this.#ofFrames.get(frame);
    return known?.table === table ? known : this.#ofTables.get(table);
  }

  forget(table: string): void {
    this.#ofTables.delete(table);
  }
}
