/** Formats the numbers of legends. */
import { format } from "d3-format";

/**
 * How the numbers of a column are written: with thousands separators, as they are (years, identifiers), as dates, which are
 * milliseconds since 1970, or as counts, whose classes have no bound in common: 1, 2 – 5, 6 – 9.
 */
export type NumberStyle = "grouped" | "plain" | "date" | "count";

/** Larger and smaller numbers are written in scientific notation. */
const MAX_PLAIN = 1e15;
const MIN_PLAIN = 1e-6;
const MAX_DECIMALS = 20;
/** From this number on, legends write 250k and 1.3M where that is exact and shorter. */
const SHORT_FROM = 100_000;
const UNITS = [
  [1e12, "T"],
  [1e9, "B"],
  [1e6, "M"],
  [1e3, "k"],
] as const;
/** Numbers that differ by more than this factor do not share a number of decimals. */
const MOST_ALIKE = 1e4;
const YEAR_NAME = /(?:^|_)(?:years?|yr|date)(?:_|\d|$)/i;
const ID_NAME = /(?:^|_)(?:id|code|zip|zip_?code|fips|postcode)$/i;

const scientific = new Intl.NumberFormat("en-US", { notation: "scientific", maximumFractionDigits: 16 });

/** Decides how the numbers of a column are written, by its name and its values. */
export function numberStyleOf(name: string, values: Float64Array): NumberStyle {
  let [least, most] = [Infinity, -Infinity];
  for (const value of values) {
    if (Number.isNaN(value)) continue;
    if (!Number.isInteger(value)) return "grouped";
    if (value < least) least = value;
    if (value > most) most = value;
  }
  const isWithin = (from: number, to: number) => least >= from && most <= to;
  const isYear = isWithin(1500, 2100) || (YEAR_NAME.test(name) && isWithin(1000, 2999));
  return isYear || ID_NAME.test(name) ? "plain" : "grouped";
}

/** Returns a format in which numbers that stand in one legend are alike, and exact. */
export function formatOf(numbers: readonly number[], style: NumberStyle): (value: number) => string {
  const finite = numbers.filter(Number.isFinite);
  const sizes = finite.map(Math.abs);
  const decimals = Math.max(0, ...finite.map(decimalsOf));
  if (sizes.some((size) => size >= MAX_PLAIN || (size > 0 && size < MIN_PLAIN)))
    return signed(scientific.format);
  const plain = style === "plain" ? format(`.${decimals}f`) : format(`,.${decimals}f`);
  if (style === "plain") return signed(plain);
  const large = finite.filter((number) => Math.abs(number) >= 1000);
  const isShort =
    Math.max(0, ...sizes) >= SHORT_FROM &&
    large.every((number) => shortText(number).length < exactText(number).length);
  if (isShort) return signed((value) => (Math.abs(value) >= 1000 ? shortText(value) : exactText(value)));
  const smallest = Math.min(...sizes.filter((size) => size > 0));
  const isAlike = Math.max(...sizes) / smallest <= MOST_ALIKE;
  return signed((value) => (isAlike && value !== 0 ? plain(value) : exactText(value)));
}

/** Rounds an end of a range that has more than seven digits, by at most a millionth of the range. */
export function roundedEnd(value: number, from: number, to: number): number {
  const most = Math.abs(to - from) / 1_000_000;
  if (!Number.isFinite(most) || Number(value.toPrecision(7)) === value) return value;
  for (let decimals = 0; decimals < MAX_DECIMALS; decimals++) {
    const rounded = Number(value.toFixed(decimals));
    if (Math.abs(rounded - value) <= most) return rounded;
  }
  return value;
}

/** Writes infinity as a sign, and a minus as one. */
const signed = (write: (value: number) => string) => (value: number) =>
  (Number.isFinite(value) ? write(value + 0) : value > 0 ? "∞" : "−∞").replaceAll("-", "−");

/** Writes 1300000 as 1.3M, with all its digits. */
function shortText(value: number): string {
  const [unit, letter] = UNITS.find(([size]) => Math.abs(value) >= size) ?? [1, ""];
  const digits = Number((value / unit).toPrecision(15)); // the division may have been rounded
  return digits * unit === value ? `${exactText(digits)}${letter}` : exactText(value);
}

const exactText = (value: number) => format(`,.${decimalsOf(value)}f`)(value);

/** Number of decimals in the shortest decimal that is this number. */
function decimalsOf(value: number): number {
  const [digits = "", exponent = "0"] = String(value).split("e");
  const decimals = digits.split(".")[1]?.length ?? 0;
  return Math.max(0, decimals - Number(exponent));
}
