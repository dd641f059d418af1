/** Texts about imports and exports. */
import type { FileTable } from "./import";

/** Prints a line for each table: its rows and geometries, and how to look at it. */
export function printImport(tables: readonly FileTable[]): void {
  for (const { name, rows, geometry, withoutGeometry, renamed } of tables) {
    const kind = geometry === null ? "" : ` (${geometry})`;
    const shown = JSON.stringify(name);
    const advice =
      geometry === null
        ? `Read it with \`await cc.read(${shown})\`.`
        : `Map it with \`await cc.map({ layers: new Layer(${shown}) })\`.`;
    console.log(`Imported ${counted(rows)}${kind} into ${shown}. ${advice}`);
    if (geometry !== null && withoutGeometry > 0)
      console.log(`  ${counted(withoutGeometry)} without a geometry.`);
    const others = renamed.filter(({ from, to }) => from.toLowerCase() !== to);
    if (others.length > 0)
      console.log(["  Columns renamed:", ...others.map(({ from, to }) => `    ${from} → ${to}`)].join("\n"));
  }
}

const counted = (rows: number) => `${rows.toLocaleString("en-US")} ${rows === 1 ? "row" : "rows"}`;

/** Formats a size: `1.2 MB`. */
export function sizeText(bytes: number): string {
  if (bytes < 1000) return `${bytes} bytes`;
  return bytes < 1e6 ? `${(bytes / 1e3).toFixed(0)} kB` : `${(bytes / 1e6).toFixed(1)} MB`;
}
