import { DatabaseError } from "../engine/engine";
import { Refusal } from "../guard";

/** The context of an error in answers of the Maps API. */
interface ErrorContext {
  readonly type: "layer" | "mapconfig" | "analysis" | "dataview" | "filter" | "auth" | "limit" | "unknown";
  readonly subtype?: string;
  readonly layer?: { readonly id: string; readonly index: number; readonly type: string };
}

/** A refused request, in the error format of the Maps API. */
export class MapsRefusal extends Refusal {
  constructor(status: number, message: string, context: ErrorContext = { type: "unknown" }) {
    const { type, ...rest } = context;
    super(status, message, { errors: [message], errors_with_context: [{ type, message, ...rest }] });
  }
}

const TIMEOUT_MESSAGE =
  "You are over platform's limits: SQL query timeout error. Refactor your query before running again or contact CARTO support for more details.";

/** Converts any error to one of the Maps API. `layer` is the layer that was being processed. */
export function asMapsRefusal(error: unknown, layer?: ErrorContext["layer"]): MapsRefusal {
  if (error instanceof MapsRefusal) return error;
  if (error instanceof DatabaseError) return databaseRefusal(error, layer);
  const { message } = error as Error;
  if (error instanceof Refusal) {
    return new MapsRefusal(error.status, message, { type: error.status === 401 ? "auth" : "unknown" });
  }
  return new MapsRefusal((error as { statusCode?: number }).statusCode ?? 500, message);
}

/** Converts an error of a dataview, for which CARTO answers 404 if a column does not exist. */
export function asDataviewRefusal(error: unknown): MapsRefusal {
  return error instanceof DatabaseError && error.code === "42703"
    ? new MapsRefusal(404, error.message)
    : asMapsRefusal(error);
}

function databaseRefusal({ code, message }: DatabaseError, layer: ErrorContext["layer"]): MapsRefusal {
  if (code === "57014")
    return new MapsRefusal(429, TIMEOUT_MESSAGE, { type: "limit", subtype: "datasource" });
  const context: ErrorContext = layer ? { type: "layer", subtype: "query", layer } : { type: "unknown" };
  return new MapsRefusal(databaseStatus(message), message, context);
}

function databaseStatus(message: string): number {
  if (/permission denied|authentication failed/.test(message)) return 403;
  if (!message.includes("does not exist")) return 400;
  if (/^(?:function|column) /.test(message)) return 400;
  return message.startsWith("role ") ? 403 : 404;
}
