/** Chooses the place names of a map: those that its first view shows, some around it, and a few everywhere. */
import type { Box } from "../geometry/clip";
import { lngLatOf, zoomOf } from "../geometry/mercator";
import { basemapNames, cityNames, usaOutlines } from "./assets";
import type { PlaceName } from "./names-data";
import { boxesOfGroups, boxesOfPaths } from "./painter/box";
import { hitPolygons } from "./painter/hit";
import { type Plane, projectPoints } from "./plane";
import { viewportOf } from "./projection";
import type { Scene } from "./scene";

/** Cities near the first view show up to this many zoom levels above that of the view… */
const ZOOMS_NEAR = 2;
/** …in a margin of as many views, at least 0.4 degrees of longitude: a view of a street names the next cities. */
const MARGIN_VIEWS = 0.5;
const MIN_MARGIN = 0.4 / 360;
/** Cities show up to this zoom within 20 degrees of longitude around the view… */
const ZOOM_AROUND = 5;
const AROUND = 20 / 360;
/** …and everywhere up to this one. */
const ZOOM_ANYWHERE = 4;
/** Maximum numbers of cities; the most important ones come first. */
const MAX_CITIES = { near: 240, elsewhere: 220 } as const;
/** A country this wide in world units is named everywhere. */
const WIDE = 0.02;
/** Maps in other projections than Web Mercator show the world or a large country: they name no smaller cities. */
const ZOOM_PLANE = 7;
const MAX_KEPT = 4;
const DEG = Math.PI / 180;

/**
 * Returns the names of a scene's vector basemap in its language and projection: areas from the widest to the narrowest,
 * then cities from the most to the least important. Empty if the basemap has no names. Page and image have the same ones.
 */
export function namesOf(scene: Scene): readonly PlaceName[] {
  const known = chosen.get(scene);
  if (known) return known;
  const names = choose(scene);
  chosen.set(scene, names);
  return names;
}

const chosen = new WeakMap<Scene, readonly PlaceName[]>();

function choose(scene: Scene): PlaceName[] {
  const { basemap, projection } = scene;
  if (!basemap.names) return [];
  const all = projection ? namesOn(projection) : basemapNames();
  const view = viewportOf(scene, { medium: "page" });
  const { near, around } = boxesOf(view);
  const zoomNear = zoomOf(view.worldPx) + ZOOMS_NEAR;
  const isNear = (name: PlaceName) => name.zoom <= zoomNear && isIn(near, name);
  const isElsewhere = (name: PlaceName) =>
    name.zoom <= ZOOM_ANYWHERE || (name.zoom <= ZOOM_AROUND && isIn(around, name));
  const countryName = countryNamer(basemap.names.language);
  const areas: PlaceName[] = [];
  const cities: { near: PlaceName[]; elsewhere: PlaceName[] } = { near: [], elsewhere: [] };
  for (const name of all) {
    if (name.room === 0) {
      if (isNear(name)) cities.near.push(name);
      else if (isElsewhere(name)) cities.elsewhere.push(name);
    } else if (name.kind === "state") {
      if (isIn(around, name)) areas.push(name);
    } else if (name.room > WIDE || isIn(around, name)) {
      areas.push({ ...name, text: countryName(name.text) });
    }
  }
  areas.sort((a, b) => b.room - a.room);
  const important = (names: PlaceName[], most: number) => names.sort(byImportance).slice(0, most);
  const kept = [
    ...important(cities.near, MAX_CITIES.near),
    ...important(cities.elsewhere, MAX_CITIES.elsewhere),
  ];
  const cityName = cityNamer(basemap.names.language);
  return [...areas, ...kept.sort(byImportance).map((name) => ({ ...name, text: cityName(name.text) }))];
}

/** Sorts are stable, so that of two cities that show from the same zoom on, the more populous one comes first. */
const byImportance = (a: PlaceName, b: PlaceName) => a.zoom - b.zoom;

function boxesOf({ originX, originY, worldPx, widthPx, heightPx }: ReturnType<typeof viewportOf>) {
  const [width, height] = [widthPx / worldPx, heightPx / worldPx];
  const grown = (x: number, y: number): Box => [
    originX - x,
    originY - y,
    originX + width + x,
    originY + height + y,
  ];
  const margin = (length: number) => Math.max(MIN_MARGIN, MARGIN_VIEWS * length);
  return { near: grown(margin(width), margin(height)), around: grown(AROUND, AROUND) };
}

const isIn = ([minX, minY, maxX, maxY]: Box, { x, y }: PlaceName): boolean =>
  y >= minY && y <= maxY && x - Math.floor(x - minX) <= maxX;

/** Countries whose full name in CLDR is a description, such as "Hong Kong SAR China". */
const SHORT_NAMES: readonly string[] = ["BA", "HK", "MO", "PS"];

/** Returns a function that names countries by their two-letter codes, in a language or else in English. */
function countryNamer(language: string): (code: string) => string {
  const namer = (style: "long" | "short") =>
    new Intl.DisplayNames([language, "en"], { type: "region", style });
  const [long, short] = [namer("long"), namer("short")];
  return (code) =>
    ((SHORT_NAMES.includes(code) ? short : long).of(code) ?? code).replace(/ ?[(（][^)）]*[)）]/u, "");
}

/** Returns a function that names cities in a language if their names in it are known. */
function cityNamer(language: string): (name: string) => string {
  const { language: base, script } = new Intl.Locale(language).maximize();
  const all = new Map(Object.entries(cityNames()));
  const known = all.get(`${base}-${script}`) ?? all.get(base === "nb" || base === "nn" ? "no" : base);
  const names = new Map(Object.entries(known ?? {})); // a plain object would find "constructor"
  return (name) => names.get(name) ?? name;
}

const kept = new Map<string, readonly PlaceName[]>();

/** Returns all names on the plane of a projection. */
function namesOn(plane: Plane): readonly PlaceName[] {
  const key = JSON.stringify([plane.name, plane.center]);
  let names = kept.get(key);
  if (!names) {
    const large = basemapNames().filter(({ room, zoom }) => room > 0 || zoom <= ZOOM_PLANE);
    names = projected(plane.name.startsWith("albers-usa") ? large.filter(isAmerican()) : large, plane);
    const [oldest] = kept.keys();
    if (oldest !== undefined && kept.size === MAX_KEPT) kept.delete(oldest);
    kept.set(key, names);
  }
  return names;
}

/** Returns a function that is true for states and cities of the United States. */
function isAmerican(): (name: PlaceName) => boolean {
  const { land } = usaOutlines();
  const boxes = boxesOfGroups(boxesOfPaths(land.xy, land.paths), land.features);
  return (name) => name.kind !== "country" && hitPolygons(land, boxes, name, 1).length > 0;
}

/** Projects names; those that the plane does not show are left out. */
function projected(names: readonly PlaceName[], plane: Plane): PlaceName[] {
  const areas = names.filter(({ room }) => room > 0);
  const [middles, lefts, rights] = [
    onPlane(names, plane),
    onPlane(areas, plane, -0.25),
    onPlane(areas, plane, 0.25),
  ];
  return names.flatMap((name) => {
    const [at, left, right] = [middles.get(name), lefts.get(name), rights.get(name)];
    if (!at) return [];
    // Web Mercator is enlarged by 1 / cos(latitude)
    const enlarged = 1 / Math.cos(lngLatOf([name.x, name.y])[1] * DEG);
    const room = left && right ? 2 * Math.hypot(right.x - left.x, right.y - left.y) : name.room / enlarged;
    return [{ ...name, ...at, room, zoom: name.zoom + Math.log2(enlarged) }];
  });
}

/** Returns the places of names on a plane, moved by a share of their room; without those that the plane does not show. */
function onPlane(
  names: readonly PlaceName[],
  plane: Plane,
  moved = 0,
): Map<PlaceName, { readonly x: number; readonly y: number }> {
  const places = projectPoints(
    {
      kind: "point",
      x: Float64Array.from(names, ({ x, room }) => x + moved * room),
      y: Float64Array.from(names, ({ y }) => y),
    },
    plane,
  );
  // `!`: rows are indexes of the names
  return new Map(
    Array.from(places.x, (x, i) => [names[places.rows?.[i] ?? i]!, { x, y: places.y[i]! }] as const),
  );
}
