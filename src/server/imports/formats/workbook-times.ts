/** Dates, times of day and durations of workbooks, which are numbers of days whose format tells what they are. */
import { SSF } from "@e965/xlsx";
import type { Cell } from "../table-source";

const SECONDS_PER_DAY = 86_400;
/** Serial number of 1 January 1970 in the calendar from 1900. */
const UNIX_EPOCH = 25_569;
/** Days between the calendars from 1900 and from 1904. */
const DAYS_TO_1904 = 1462;
/** Serial number of 29 February 1900, which did not exist; dates before it are one day late. */
const LEAP_DAY_1900 = 60;
/** Serial number after 31 December 9999. */
const END = 2_958_466;
/** A number above this in a format of times is a date of which only the time is shown. */
const MAX_DAYS_OF_DURATION = 366;

/**
 * Converts a number with a format of dates or times: a date becomes a Date, a time of day or a duration the text `21:51:00` or
 * `30:15:00`. A number that is not a date becomes its digits as text; one with another format is returned as it is.
 */
export function timeOfNumber(number: number, format: unknown, isFrom1904: boolean): Cell {
  if (typeof format !== "string" || !SSF.is_date(format)) return number;
  if (isDuration(format)) return clockText(number);
  if (isTimeOfDay(format) && number >= 0 && number <= MAX_DAYS_OF_DURATION) return clockText(number);
  return dateOf(isFrom1904 ? number + DAYS_TO_1904 : number) ?? String(number);
}

/** Removes texts in quotes, escaped characters, and colors, languages and conditions in brackets. */
const tokensOf = (format: string) =>
  format
    .split(";")[0]!
    .replace(/"[^"]*"|[\\_*]./g, "")
    .replace(/\[(?!h+\]|m+\]|s+\])[^\]]*\]/gi, "");

const isDuration = (format: string) => /\[(?:h+|m+|s+)\]/i.test(tokensOf(format));

function isTimeOfDay(format: string): boolean {
  const tokens = tokensOf(format).replace(/am\/pm|a\/p/gi, "");
  return /[hs]/i.test(tokens) && !/[ydegb]|mmm/i.test(tokens);
}

function clockText(days: number): string {
  const seconds = Math.round(Math.abs(days) * SECONDS_PER_DAY);
  const two = (value: number) => String(Math.floor(value)).padStart(2, "0");
  const sign = days < 0 && seconds > 0 ? "-" : "";
  return `${sign}${two(seconds / 3600)}:${two((seconds % 3600) / 60)}:${two(seconds % 60)}`;
}

/** Rounds to seconds, because the last digits of the fraction are noise. */
function dateOf(serial: number): Date | undefined {
  const day = Math.floor(serial);
  if (day < 0 || serial >= END || day === LEAP_DAY_1900) return undefined;
  const days = serial - UNIX_EPOCH + (day < LEAP_DAY_1900 ? 1 : 0);
  return new Date(Math.round(days * SECONDS_PER_DAY) * 1000);
}
