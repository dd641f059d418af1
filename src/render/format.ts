/** Formats numbers and strings for display. */
import { format, formatSpecifier } from "d3-format";

const plain = new Intl.NumberFormat("en-US", { maximumFractionDigits: 6 });
const scientific = new Intl.NumberFormat("en-US", { notation: "scientific", maximumFractionDigits: 6 });
/** Smaller numbers are not grouped, so that years do not read 2,024. */
const GROUPED_FROM = 10_000;
const ungrouped = new Intl.NumberFormat("en-US", { maximumFractionDigits: 6, useGrouping: false });
const formats = new Map<string, (value: number) => string>();

/** Formats a number for display, by a d3-format `specifier` such as `",.0f"`, `".1%"`, `"$,.2f"` or `"~s"` if one is given. */
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

/** Formats a number in two or three digits: `950`, `1.2k`, `3.4M`, `0.05`. */
export const shortNumber = (value: number): string =>
  (Math.abs(value) < 1000
    ? Number(value.toPrecision(Math.abs(value) < 1 ? 2 : 3)).toString()
    : format(".2~s")(value)
  ).replace("-", "−");

/** True if `specifier` is a valid d3-format specifier. */
export function isNumberFormat(specifier: string): boolean {
  try {
    const { type } = formatSpecifier(specifier);
    return specifier !== "" && (type === "" || "eEfgGrs%pbBoOdxXcn".includes(type));
  } catch {
    return false;
  }
}

/** Replaces line breaks and other control characters of a string, cut at `maxLength`, by spaces. */
export function onOneLine(text: string, maxLength: number): string {
  return text
    .slice(0, maxLength)
    .replace(/[\p{Cc}\p{Zl}\p{Zp}\s]+/gu, " ")
    .trim();
}
