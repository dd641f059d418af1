import type { DataFrame } from "danfojs-node";

/**
 * State of a table when a frame was equal to it. A sync compares it with the current state to detect changes by
 * others.
 */
export interface Baseline {
  /** Name of the table in SQL. */
  readonly table: string;
  /** PostgreSQL's `txid_current_snapshot`: the transactions whose rows were visible. */
  readonly snapshot: string;
  /** Our transaction that wrote the table, if the snapshot was taken in it. */
  readonly ownTransaction?: string;
  readonly rowCount: number;
  /** True if the frame has only some of the rows. */
  readonly partial?: boolean;
}

/**
 * Baselines of the frames that a context has read and written. Frames carry no metadata, and most operations of danfo
 * return a new frame, so the baseline of an unknown frame is that of the last complete read of the table.
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
