/**
 * Prepares paths for d3-geo, whose edges are arcs of great circles and whose rings enclose what lies to their right. Edges
 * of polygons and borders are straight in longitude and latitude instead. `!`: see `PathGeometry`.
 */
import { lngLatOf } from "../../geometry/mercator";

/** Edges that span more degrees of longitude are divided: along a parallel, an arc of this length is off by 1 km. */
const MAX_STEP = 2.5;
/** Tolerance in degrees. */
const EPSILON = 1e-6;
const DEG = Math.PI / 180;

/** Positions in degrees; a longitude may lie beyond the antimeridian. */
export type Degrees = (readonly [lng: number, lat: number])[];

/** Returns vertices `from` to `end` of a path in degrees. World y of ±Infinity is a pole. */
export function degreesOf(xy: Float64Array, from: number, end: number): Degrees {
  return Array.from({ length: end - from }, (_, i) =>
    lngLatOf([xy[2 * (from + i)]!, xy[2 * (from + i) + 1]!]),
  );
}

/** Divides the edges of a line, so that they stay straight in longitude and latitude. */
export function straightLine(line: Degrees): Degrees {
  const straight: Degrees = line.slice(0, 1);
  for (let i = 1; i < line.length; i++) divide(line[i - 1]!, line[i]!, straight);
  return straight;
}

/**
 * Divides the edges of a ring, and turns it so that d3-geo fills the inside. A ring around a pole, such as the coast of
 * Antarctica, encloses the smaller part of the world; edges that lead along the antimeridian to the pole are left out.
 * @returns "world" for a ring around the whole world
 */
export function straightRing(closed: Degrees): Degrees | "world" {
  const open = withoutPole(withoutEnd(closed));
  if (open.ring.length === 0) return "world";
  const ring: Degrees = open.ring.slice(0, 1);
  let [net, area] = [0, 0];
  const count = open.ring.length;
  const goesAround = isFlat(open.ring);
  for (let i = 0; i < count; i++) {
    const isClosing = i + 1 === count;
    const to = open.ring[(i + 1) % count]!;
    const first = ring.length - 1;
    net += divide(open.ring[i]!, to, ring, goesAround && !(isClosing && open.isCut));
    for (let k = first; k + 1 < ring.length; k++) area += areaBelow(ring[k]!, ring[k + 1]!);
  }
  ring.pop(); // the first vertex again
  const isPolar = Math.abs(net) > 180;
  return area < 0 === isPolar ? ring : ring.reverse();
}

function withoutEnd(ring: Degrees): Degrees {
  const [first, last] = [ring[0]!, ring.at(-1)!];
  const isSame = ring.length > 1 && first[0] === last[0] && first[1] === last[1];
  return isSame ? ring.slice(0, -1) : ring;
}

/** Removes vertices at a pole from a ring as wide as the world; the rest of it ends one world away from where it starts. */
function withoutPole(ring: Degrees): { readonly ring: Degrees; readonly isCut: boolean } {
  const lngs = ring.map(([lng]) => lng);
  const isWide = Math.max(...lngs) - Math.min(...lngs) >= 360 - EPSILON;
  const atPole = ring.findIndex(isPole);
  if (!isWide || atPole === -1) return { ring, isCut: false };
  const fromPole = [...ring.slice(atPole), ...ring.slice(0, atPole)];
  return { ring: fromPole.filter((position) => !isPole(position)), isCut: true };
}

const isPole = ([, lat]: Degrees[number]) => Math.abs(lat) >= 90 - EPSILON;

/** Returns true if all vertices lie on one meridian: the ring is a belt around the world, with edges of 360°. */
function isFlat(ring: Degrees): boolean {
  const [start] = ring[0]!;
  return ring.every(([lng]) => Math.abs(shortest(lng - start)) < EPSILON);
}

/** Returns the same change of longitude by the shorter way around the world. */
const shortest = (degrees: number) =>
  Math.abs(degrees) > 180 ? degrees - 360 * Math.round(degrees / 360) : degrees;

/** Appends the edge to `to`, divided. Returns the degrees of longitude that it spans, eastwards. */
function divide(from: Degrees[number], to: Degrees[number], path: Degrees, goesAround = false): number {
  const [[lng, lat], [toLng, toLat]] = [from, to];
  const span = goesAround ? toLng - lng : shortest(toLng - lng);
  const steps = Math.max(1, Math.ceil(Math.abs(span) / MAX_STEP - EPSILON));
  for (let step = 1; step < steps; step++)
    path.push([lng + (span * step) / steps, lat + ((toLat - lat) * step) / steps]);
  path.push(to);
  return span;
}

/** Returns the area between an edge and the equator: positive if it leads east in the north. */
function areaBelow([lng, lat]: Degrees[number], [toLng, toLat]: Degrees[number]): number {
  return (shortest(toLng - lng) * (Math.sin(lat * DEG) + Math.sin(toLat * DEG))) / 2;
}
