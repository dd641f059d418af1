/** Geometries that cannot be transformed, because they lie outside the area of their coordinate system. */
import type { Unread } from "../../api/schemas/imports";
import { SRID_LNGLAT } from "../../geo";
import { ident, literal } from "../../sql";
import { DatabaseError, type Engine, lastRows } from "../engine/engine";
import { ImportFailure } from "./errors";

/** PostGIS's prefix for PROJ's errors about coordinates. */
const OUTSIDE = "transform: ";
const REASON = "The position is outside the area of the coordinate system.";

interface Target {
  readonly engine: Engine;
  readonly table: string;
  /** @default "the_geom" */
  readonly column?: string;
  /** Coordinate system as PROJ reads it. If absent, each geometry has its SRID. */
  readonly projection?: string;
  readonly signal: AbortSignal;
}

/**
 * Runs `work`, which transforms all geometries of a column. If some cannot be transformed, sets them to NULL, runs `work`
 * again, and returns their number. `work` must change nothing if it fails.
 * @throws ImportFailure 2014 if no geometry can be transformed
 */
export async function withoutOutside(target: Target, work: () => Promise<unknown>): Promise<Unread[]> {
  try {
    await work();
    return [];
  } catch (error) {
    if (!(error instanceof DatabaseError && error.message.startsWith(OUTSIDE))) throw error;
    const removed = await remove(target, error);
    await work();
    return [removed];
  }
}

async function remove({ engine, signal, ...target }: Target, cause: Error): Promise<Unread> {
  const [row] = lastRows(await engine.query(removal(target), { signal }));
  const [count, first, usable] = (row?.[0] ?? "").split(" ").map(Number);
  if (!count || !first) throw cause;
  if (!usable) {
    throw new ImportFailure(
      2014,
      "Every position is outside the area of the coordinate system. Pass the right one as `srid`.",
      { cause },
    );
  }
  return { column: target.column ?? "the_geom", count, row: first, reason: REASON };
}

/** Tries each row, which is slow. Rows are numbered as they lie in the new table: in the order of the file. */
function removal({ table, column = "the_geom", projection }: Omit<Target, "engine" | "signal">): string {
  const name = ident(column);
  const lnglat =
    projection === undefined
      ? `CASE WHEN ST_SRID(one.geom) IN (0, ${SRID_LNGLAT}) THEN one.geom ELSE ST_Transform(one.geom, ${SRID_LNGLAT}) END`
      : `ST_Transform(ST_SetSRID(one.geom, 0), ${literal(projection)}, ${SRID_LNGLAT})`;
  const body = `
    DECLARE
      one record;
      current bigint := 0;
      first bigint := 0;
      removed bigint := 0;
      usable bigint := 0;
    BEGIN
      FOR one IN SELECT ctid AS place, ${name} AS geom FROM ${ident(table)} LOOP
        current := current + 1;
        CONTINUE WHEN one.geom IS NULL;
        BEGIN
          PERFORM ${lnglat};
          usable := usable + 1;
        EXCEPTION WHEN OTHERS THEN
          IF NOT starts_with(SQLERRM, ${literal(OUTSIDE)}) THEN
            RAISE;
          END IF;
          UPDATE ${ident(table)} SET ${name} = NULL WHERE ctid = one.place;
          removed := removed + 1;
          IF first = 0 THEN
            first := current;
          END IF;
        END;
      END LOOP;
      PERFORM set_config('cartoframes.removed', concat_ws(' ', removed, first, usable), true);
    END`;
  return `DO ${literal(body)}; SELECT current_setting('cartoframes.removed')`;
}
