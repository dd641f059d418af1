/** What a reader has done to a live map, as plain JSON: the page reports it, and a map can be shown in that state again. */
import { z } from "zod";
import { InvalidArgumentError } from "../../errors";
import type { MapFilter } from "../scene";

/**
 * The part of the world that a map shows. In Web Mercator these are degrees. On any other projection, such as that of a map of the
 * United States, they are positions on its plane, which only the option `state` of a map with that projection can use.
 */
export interface MapViewport {
  /** Longitude and latitude of the centre in degrees, and the zoom, as the options of `cc.map`. */
  readonly lng: number;
  readonly lat: number;
  readonly zoom: number;
  /** [west, south, east, north] in degrees. */
  readonly bounds?: readonly [west: number, south: number, east: number, north: number];
}

/** The state of a live map, as plain JSON. */
export interface MapState {
  readonly view?: MapViewport;
  readonly filters?: readonly MapFilter[];
  /** Names of hidden layers. */
  readonly hidden?: readonly string[];
  /** The moment that an animated map shows: milliseconds since 1970, or a number. */
  readonly time?: number;
}

/** A view can be in a copy of the world on either side; far from it, numbers no longer tell neighbouring copies apart. */
const MOST_COPIES = 1000;

const degrees = z
  .number()
  .min(-360 * MOST_COPIES)
  .max(360 * MOST_COPIES);
const worldUnits = z.number().min(-MOST_COPIES).max(MOST_COPIES);
const text = z.string().max(10_000);
const value = z.union([text, z.number(), z.boolean()]);
const filter = z.union([
  z.object({
    layer: text,
    column: text,
    from: z.union([z.number(), text]),
    to: z.union([z.number(), text]),
    includesTo: z.literal(true).optional(),
  }),
  z.object({ layer: text, column: text, values: z.array(value).min(1).max(10_000) }),
  z.object({ layer: text, without: z.array(text).max(1000) }),
]);
const view = z.object({
  lng: degrees,
  lat: degrees,
  zoom: z.number().min(-5).max(30),
  bounds: z.tuple([degrees, degrees, degrees, degrees]).optional(),
});
const state = z.object({
  view: view.optional(),
  filters: z.array(filter).max(100).optional(),
  hidden: z.array(text).max(100).optional(),
  time: z.number().optional(),
});
const index = z.number().int().nonnegative();
const report = state.extend({
  selection: z
    .object({
      rings: z.array(z.array(worldUnits).max(100_000)).max(100),
      features: z.array(z.object({ layer: index, feature: index })).max(10_000),
    })
    .optional(),
});

/** What a page reports: its state, and what is selected. */
export type MapReport = z.infer<typeof report>;

/** Parses a message of a page; undefined for anything else, which a page of ours does not send. */
export function parseReport(message: string): MapReport | undefined {
  try {
    return report.safeParse(JSON.parse(message)).data;
  } catch {
    return undefined;
  }
}

/** @throws InvalidArgumentError for anything but a state that `map.state()` returned. */
export function checkState(given: unknown): MapState {
  const parsed = state.safeParse(given);
  if (parsed.success) return parsed.data as MapState;
  const [issue] = parsed.error.issues;
  throw new InvalidArgumentError(
    `\`state\` must be what map.state() returns; ${["state", ...(issue?.path ?? [])].join(".")}: ${issue?.message ?? "invalid"}.`,
  );
}
