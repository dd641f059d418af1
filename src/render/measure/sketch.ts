/** A line or an area that a reader draws to measure it. */
import type { LngLat } from "../../geo";
import { areaM2, lengthM } from "./geodesic";

export interface Sketch {
  readonly vertices: readonly LngLat[];
  /** `open` takes more vertices; `line` and `area` are finished. */
  readonly state: "open" | "line" | "area";
}

export const EMPTY: Sketch = { vertices: [], state: "open" };

/** Adds a vertex; to a finished sketch, the first one of the next. */
export const withVertex = ({ vertices, state }: Sketch, vertex: LngLat): Sketch =>
  state === "open" ? { vertices: [...vertices, vertex], state } : { vertices: [vertex], state: "open" };

/** Ends a line. A single vertex has nothing to measure, and is removed. */
export const ended = ({ vertices, state }: Sketch): Sketch =>
  state !== "open" ? { vertices, state } : vertices.length < 2 ? EMPTY : { vertices, state: "line" };

/** True if the vertices surround an area, or would if the line were closed. */
export const canClose = ({ vertices, state }: Sketch): boolean => state !== "area" && vertices.length >= 3;

/** Joins the last vertex to the first. */
export const closed = (sketch: Sketch): Sketch =>
  canClose(sketch) ? { vertices: sketch.vertices, state: "area" } : sketch;

/** Removes the last vertex, or opens what is finished. */
export const undone = ({ vertices, state }: Sketch): Sketch =>
  state === "open" ? { vertices: vertices.slice(0, -1), state } : { vertices, state: "open" };

interface Measured {
  /** Length of the line, or of the edge of the area, in metres. */
  readonly lengthM: number;
  /** In square metres; undefined for a line. */
  readonly areaM2: number | undefined;
}

export function measured({ vertices, state }: Sketch): Measured {
  const [first] = vertices;
  return state === "area" && first
    ? { lengthM: lengthM([...vertices, first]), areaM2: areaM2(vertices) }
    : { lengthM: lengthM(vertices), areaM2: undefined };
}
