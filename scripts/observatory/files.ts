/** Reads the data of vega-datasets. */
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { join } from "node:path";
import { parse } from "csv-parse/sync";

export const load = createRequire(__filename);

function dataFile(name: string): string {
  return join(__dirname, "../..", "node_modules", "vega-datasets", "data", name);
}

type Row = Readonly<Record<string, string | undefined>>;

export async function csv(name: string, delimiter = ","): Promise<Row[]> {
  return parse<Row>(await readFile(dataFile(name)), { columns: true, delimiter, bom: true });
}

export async function json<T>(name: string): Promise<T> {
  return JSON.parse(await readFile(dataFile(name), "utf8"));
}

export function pad(id: string | number | undefined, digits: number): string {
  return String(id ?? "").padStart(digits, "0");
}

export function round(value: number, decimals: number): number {
  return Number(value.toFixed(decimals));
}
