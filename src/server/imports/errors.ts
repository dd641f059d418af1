/** The error codes of CARTO's Import API, and their representation in an import object. */
import escapeHtml from "escape-html";
import { DISK_FULL } from "../disk";

type Source = "user" | "cartodb" | "external";

/** Title of each code, and who can fix it if that is not the user. */
const CODES = {
  1: ["Install error", "cartodb"],
  1000: ["File I/O error", "cartodb"],
  1001: ["Download error"],
  1002: ["Unsupported/unrecognised file type"],
  1003: ["Decompression error"],
  1004: ["XLS/XLSX error"],
  1005: ["Empty file"],
  1006: ["Invalid shapefile"],
  1007: ["Too many nodes"],
  1008: ["Drive access forbidden"],
  1009: ["Twitter server error", "external"],
  1010: ["Not a file"],
  1011: ["Error retrieving data from datasource", "external"],
  1012: ["Error connecting to datasource", "external"],
  1013: ["Invalid ArcGIS version"],
  1014: ["Invalid name"],
  1015: ["No results"],
  1016: ["Dropbox permission revoked"],
  1017: ["Drive file deleted"],
  1018: ["Password-protected file"],
  1019: ["Too many layers"],
  1020: ["Download timeout", "external"],
  1021: ["Box permission revoked"],
  1022: ["All tables were skipped"],
  1023: ["ArcGIS server misconfiguration", "external"],
  1100: ["Download file not found"],
  1101: ["Forbidden file URL"],
  1102: ["Unknown server URL"],
  1103: ["Partial file", "external"],
  1500: ["Connector error", "external"],
  1501: ["Connectors disabled"],
  1502: ["Connector parameter error"],
  2001: ["Unable to load data"],
  2002: ["Encoding detection error"],
  2003: ["Malformed CSV"],
  2004: ["Too many columns"],
  2005: ["Duplicated column"],
  2006: ["Encoding error"],
  2007: ["Encoding error in rows"],
  2008: ["Malformed XLS"],
  2009: ["KML without style id"],
  2010: ["Incompatible CARTO table"],
  2011: ["Invalid cartodb_id column"],
  2012: ["Incompatible schemas"],
  2013: ["Cannot overwrite table"],
  2014: ["Invalid geometries"],
  3007: ["JSON may not be valid GeoJSON"],
  3008: ["Unknown SRID"],
  3009: ["Shapefile normalisation error"],
  3101: ["Missing projection (.prj)"],
  3201: ["Geometry collections not supported"],
  3202: ["Empty KML"],
  6666: ["Dataset too big"],
  6667: ["Import timed out"],
  6668: ["Too many table rows"],
  6669: ["Too many concurrent imports"],
  6670: ["Too many named-map templates"],
  6671: ["Stuck import", "cartodb"],
  8001: ["Over account storage limit"],
  8002: ["Over limit of datasets"],
  8003: ["Error creating table from SQL query"],
  8004: ["Merge with unmatching column types"],
  8005: ["Max layers per map reached"],
  8006: ["Twitter credits exceeded"],
  8007: ["Maps limit reached"],
  8008: ["Public datasets limit reached"],
  99999: ["Unknown", "cartodb"],
} as const satisfies Record<number, readonly [title: string, source?: Source]>;

export type ImportErrorCode = keyof typeof CODES;

/** Reason why an import failed: CARTO's code, and a description for the user. */
export class ImportFailure extends Error {
  override name = "ImportFailure";

  constructor(
    readonly code: ImportErrorCode,
    /** Explanation and advice, in full sentences. */
    readonly detail: string,
    options?: ErrorOptions,
  ) {
    super(`${code} ${CODES[code][0]}: ${detail}`, options);
  }
}

/** `get_error_text` of an import object. */
export function errorText(code: ImportErrorCode, detail: string) {
  const [title, source = "user"]: readonly [string, Source?] = CODES[code];
  return { title, what_about: escapeHtml(detail), source };
}

/** Converts any error. A full disk gets a separate code, because the user can fix it. */
export function asFailure(error: unknown, otherwise: ImportErrorCode = 99999): ImportFailure {
  if (error instanceof ImportFailure) return error;
  const { code, message } = error as NodeJS.ErrnoException;
  if (code === DISK_FULL || code === "ENOSPC") {
    const said = code === DISK_FULL ? message.replace(/^t/, "T") : "The disk is full";
    return new ImportFailure(8001, `${said}. Free some space and import again.`, { cause: error });
  }
  return new ImportFailure(otherwise, sentence(message ?? String(error)), { cause: error });
}

const sentence = (text: string) => (/[.!?]$/.test(text) ? text : `${text}.`);

export function diskError(message: string): ImportFailure {
  return new ImportFailure(6666, `${message}.`);
}
