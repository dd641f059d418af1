/** Times as text in ISO 8601: as PostgreSQL, CSV files and GeoJSON write them. */
const ISO_TIME = /^(\d{4,6}-\d\d-\d\d)(?:[T ](\d\d:\d\d(?::\d\d(?:\.\d+)?)?) ?(Z|[+-]\d\d(?::?\d\d)?)?)?$/;

/** Milliseconds since 1970, NaN if it is none. Without a zone it is UTC, as a `timestamp` column is. */
export function isoTimeMs(text: string): number {
  const [, day, clock = "00:00", zone = "Z"] = ISO_TIME.exec(text) ?? [];
  if (day === undefined) return Number.NaN;
  return Date.parse(`${day}T${clock}${/^[+-]\d\d$/.test(zone) ? `${zone}:00` : zone}`);
}
