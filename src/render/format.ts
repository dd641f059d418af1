import { format, formatSpecifier } from "d3-format";

const plain = new Intl.NumberFormat("en-US", { maximumFractionDigits: 6 });
const scientific = new Intl.NumberFormat("en-US", { notation: "scientific", maximumFractionDigits: 6 });
/** A year is not 2,024, so groups begin here. */
const GROUPED_FROM = 10_000;
const ungrouped = new Intl.NumberFormat("en-US", { maximumFractionDigits: 6, useGrouping: false });
const formats = new Map<string, (value: number) => string>();

/** A number as people read it; `specifier` is one of d3-format: `",.0f"`, `".1%"`, `"$,.2f"`, `"~s"`. */
export function formatNumber(value: number, specifier?: string): string {
  if (specifier !== undefined) {
    const known = formats.get(specifier) ?? format(specifier);
    formats.set(specifier, known);
    return known(value);
  }
  if (!Number.isFinite(value)) return value > 0 ? "∞" : "−∞";
  const size = Math.abs(value);
  if (size !== 0 && (size < 1e-5 || size >= 1e15)) return scientific.format(value);
  return (size < GROUPED_FROM ? ungrouped : plain).format(value);
}

/** Whether it is a specifier of d3-format. */
export function isNumberFormat(specifier: string): boolean {
  try {
    const { type } = formatSpecifier(specifier);
    return specifier !== "" && (type === "" || "eEfgGrs%pbBoOdxXcn".includes(type));
  } catch {
    return false;
  }
}
