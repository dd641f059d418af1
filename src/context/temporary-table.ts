import { randomBytes } from "node:crypto";

/** A name for a table that is loaded before it takes its place, see TEMPORARY_TABLE. */
export function temporaryName(): string {
  return `cartoframes_tmp_${randomBytes(8).toString("hex")}`;
}
