import type { PathGeometry } from "../scene";

/** Minimum vertices of a closed ring: a triangle and the closing vertex, so that no ring disappears. */
const MIN_RING_VERTICES = 4;
const NONE = 0xffffffff;

/**
 * Leaves out vertices within `tolerance` (world units) of the line without them (Douglas and Peucker 1973). Vertices at
 * which borders part stay, and a border between two of them is simplified the same way wherever it occurs, so that no gaps
 * or overlaps appear between neighbours.
 */
export function simplify(geometry: PathGeometry, tolerance: number): PathGeometry {
  return withVertices(geometry, keptVertices(geometry, tolerance));
}

/** Returns 1 for each vertex that `simplify` keeps, 0 for the others. */
export function keptVertices(geometry: PathGeometry, tolerance: number): Uint8Array {
  const { xy, paths } = geometry;
  const isJunction = junctions(geometry);
  const kept = new Uint8Array(xy.length / 2);
  for (let path = 0; path + 1 < paths.length; path++) {
    markKept(xy, paths[path]!, paths[path + 1]!, isJunction, tolerance * tolerance, kept);
  }
  return kept;
}

/** Returns 1 for each vertex at whose place paths part, 0 for the others. */
function junctions({ xy, paths }: PathGeometry): Uint8Array {
  const place = placesOf(xy);
  const one = new Uint32Array(place.length).fill(NONE); // neighbours of a place, the smaller first
  const other = new Uint32Array(place.length).fill(NONE);
  const parts = new Uint8Array(place.length);
  for (let path = 0; path + 1 < paths.length; path++) {
    const first = paths[path]!;
    const last = paths[path + 1]! - 1;
    const closed = last > first && place[first] === place[last];
    for (let i = first; i <= last; i++) {
      const at = place[i]!;
      const isEnd = i === first || i === last;
      if (isEnd && !closed) {
        parts[at] = 1;
        continue;
      }
      const before = place[i === first ? last - 1 : i - 1]!;
      const after = place[i === last ? first + 1 : i + 1]!;
      const low = Math.min(before, after);
      const high = Math.max(before, after);
      if (one[at] === NONE) {
        one[at] = low;
        other[at] = high;
      } else if (one[at] !== low || other[at] !== high) parts[at] = 1;
    }
  }
  return parts.map((_, i) => parts[place[i]!]!);
}

/** Returns the first vertex at the place of each vertex, by a hash table with open addressing: five times as fast as a Map. */
function placesOf(xy: Float64Array): Uint32Array {
  const count = xy.length / 2;
  const bits = new Uint32Array(xy.buffer, xy.byteOffset, 4 * count);
  const table = new Uint32Array(2 ** Math.ceil(Math.log2(2 * count + 1))).fill(NONE);
  const mask = table.length - 1;
  const place = new Uint32Array(count);
  for (let i = 0; i < count; i++) {
    let hash = Math.imul(bits[4 * i]! ^ Math.imul(bits[4 * i + 1]!, 0x9e3779b1), 0x85ebca6b);
    hash ^= Math.imul(bits[4 * i + 2]! ^ Math.imul(bits[4 * i + 3]!, 0xc2b2ae35), 0x27d4eb2f);
    let slot = (hash ^ (hash >>> 15)) & mask;
    let first = table[slot]!;
    while (first !== NONE && (xy[2 * first] !== xy[2 * i] || xy[2 * first + 1] !== xy[2 * i + 1])) {
      slot = (slot + 1) & mask;
      first = table[slot]!;
    }
    if (first === NONE) {
      first = i;
      table[slot] = i;
    }
    place[i] = first;
  }
  return place;
}

/** Marks the vertices of one path that stay. */
function markKept(
  xy: Float64Array,
  from: number,
  to: number,
  isJunction: Uint8Array,
  tolerance2: number,
  kept: Uint8Array,
): void {
  const last = to - 1;
  if (last < from) return;
  const closed = isClosed(xy, from, last);
  if (!closed) kept[from] = kept[last] = 1;
  if (last - from < 2) return;
  const anchors: number[] = [];
  for (let i = from + 1; i < last; i++) if (isJunction[i]) anchors.push(i);
  if (!closed || isJunction[from]) anchors.unshift(from);
  if (!closed) anchors.push(last);
  if (closed && anchors.length < 2) addExtremes(xy, from, last, anchors);

  const length = last - from; // a ring's number of different vertices
  for (let k = 0; k < anchors.length; k++) {
    const start = anchors[k]!;
    kept[start] = 1;
    const next = anchors[k + 1] ?? (closed ? anchors[0]! + length : start);
    markBetween(xy, start, next, closed ? { from, length } : undefined, tolerance2, kept);
  }
  if (!closed) return;
  let count = 1; // a ring's first vertex is written down again
  for (let i = from; i < last; i++) count += kept[i]!;
  for (let i = from; i < last && count < Math.min(MIN_RING_VERTICES, to - from); i++) {
    if (kept[i]) continue;
    kept[i] = 1;
    count++;
  }
}

/** Returns true for a ring, a path that ends where it begins. */
const isClosed = (xy: Float64Array, from: number, last: number): boolean =>
  last - from > 1 && xy[2 * from] === xy[2 * last] && xy[2 * from + 1] === xy[2 * last + 1];

/** Adds two anchors, independent of where the ring begins, for a ring without junctions. */
function addExtremes(xy: Float64Array, from: number, last: number, anchors: number[]): void {
  const lowest = anchors[0] ?? argMax(from, last, (i) => -xy[2 * i]! - xy[2 * i + 1]! / 3);
  const farthest = argMax(
    from,
    last,
    (i) => (xy[2 * i]! - xy[2 * lowest]!) ** 2 + (xy[2 * i + 1]! - xy[2 * lowest + 1]!) ** 2,
  );
  anchors.splice(0, anchors.length, ...[...new Set([lowest, farthest])].sort((a, b) => a - b));
}

function argMax(from: number, to: number, value: (i: number) => number): number {
  let best = from;
  for (let i = from + 1; i < to; i++) if (value(i) > value(best)) best = i;
  return best;
}

/** Applies Douglas-Peucker between two kept vertices. In a ring, positions continue beyond its end. */
function markBetween(
  xy: Float64Array,
  start: number,
  end: number,
  ring: { readonly from: number; readonly length: number } | undefined,
  tolerance2: number,
  kept: Uint8Array,
): void {
  const vertex = (i: number) => (ring && i >= ring.from + ring.length ? i - ring.length : i);
  const stack = [start, end];
  while (stack.length > 0) {
    const high = stack.pop()!;
    const low = stack.pop()!;
    const [a, b] = [2 * vertex(low), 2 * vertex(high)];
    const distance2 = distanceTo(xy[a]!, xy[a + 1]!, xy[b]!, xy[b + 1]!);
    let farthest = -1;
    let most = tolerance2;
    for (let i = low + 1; i < high; i++) {
      const at = 2 * vertex(i);
      const d = distance2(xy[at]!, xy[at + 1]!);
      // among equally distant vertices, the same one wins in both directions
      if (d > most || (d === most && farthest >= 0 && isBefore(xy, at, 2 * vertex(farthest)))) {
        most = d;
        farthest = i;
      }
    }
    if (farthest < 0) continue;
    kept[vertex(farthest)] = 1;
    stack.push(low, farthest, farthest, high);
  }
}

const isBefore = (xy: Float64Array, a: number, b: number): boolean =>
  xy[a]! < xy[b]! || (xy[a]! === xy[b]! && xy[a + 1]! < xy[b + 1]!);

/** Returns a function for the squared distance to a segment, exactly the same in either direction of the segment. */
function distanceTo(ax: number, ay: number, bx: number, by: number): (x: number, y: number) => number {
  if (bx < ax || (bx === ax && by < ay)) return distanceTo(bx, by, ax, ay);
  const dx = bx - ax;
  const dy = by - ay;
  const length2 = dx * dx + dy * dy;
  return (x, y) => {
    const t = length2 > 0 ? ((x - ax) * dx + (y - ay) * dy) / length2 : 0;
    const clamped = t < 0 ? 0 : t > 1 ? 1 : t;
    return (x - ax - clamped * dx) ** 2 + (y - ay - clamped * dy) ** 2;
  };
}

/** Returns the kept vertices. A ring begins with the first of them, because its old start may lie on a straight border. */
function withVertices(geometry: PathGeometry, kept: Uint8Array): PathGeometry {
  const { xy, paths } = geometry;
  const picked = new Float64Array(xy.length);
  const ends = new Uint32Array(paths.length);
  let at = 0;
  for (let path = 0; path + 1 < paths.length; path++) {
    const start = at;
    for (let i = paths[path]!; i < paths[path + 1]!; i++) {
      if (!kept[i]) continue;
      picked[at++] = xy[2 * i]!;
      picked[at++] = xy[2 * i + 1]!;
    }
    if (isClosed(xy, paths[path]!, paths[path + 1]! - 1)) {
      picked[at++] = picked[start]!;
      picked[at++] = picked[start + 1]!;
    }
    ends[path + 1] = at / 2;
  }
  return { ...geometry, xy: picked.slice(0, at), paths: ends };
}
