/** Maps of a figure that share their scales: adding one makes the others again, with the classes of all values. */
import { InvalidArgumentError } from "../../errors";
import { areAlike, joined, kindOf, type LayerScale, type LayerScales, type SharedScales } from "../../map";
import { type FigureCell, levelOf, type StillMap, sharedLevels } from "../../render";
import { unsharedWarnings } from "./unshared";

/** A map, with what colours each of its layers. */
interface ScaledMap {
  readonly still: StillMap;
  readonly scales: LayerScales;
}

/** A map that can be made again with other classes. */
export interface SharingMap extends ScaledMap {
  readonly cell: FigureCell;
  remake(scales: SharedScales, signal: AbortSignal | undefined): Promise<ScaledMap>;
}

interface Member extends SharingMap {
  /** What the cell shows now. */
  readonly shown: StillMap;
}

interface Group {
  readonly members: Map<number, Member>;
  /** Ends when the last map has been added: maps that are made at the same time are added one after the other. */
  turn: Promise<unknown>;
}

/** A legend with other classes can be wider, and change the zoom of its map, on which the values of cells depend. */
const MOST_ROUNDS = 3;

const groups = new WeakMap<object, Group>();

/**
 * Puts a map into its cell of a figure whose maps share their scales.
 * @returns sentences about layers of the map that cannot share a scale with those of others
 * @throws InvalidArgumentError if columns of one name have values of different kinds; the figure is unchanged then
 */
export async function putShared(
  figure: object,
  map: SharingMap,
  signal: AbortSignal | undefined,
): Promise<string[]> {
  const group = groups.get(figure) ?? { members: new Map(), turn: Promise.resolve() };
  groups.set(figure, group);
  const added = group.turn.then(() => addTo(group, map, signal));
  group.turn = added.catch(() => {});
  return added;
}

async function addTo(
  { members }: Group,
  map: SharingMap,
  signal: AbortSignal | undefined,
): Promise<string[]> {
  const others = [...members.values()].filter(
    ({ cell, shown }) => cell.index !== map.cell.index && cell.shows(shown),
  );
  const maps = [...others, map].sort((a, b) => a.cell.index - b.cell.index);
  for (const key of keysIn(maps)) checkAlike(key, maps);
  const remade = await remakeAll(maps, signal);
  members.clear();
  for (const member of remade) {
    member.cell.map(member.shown);
    members.set(member.cell.index, member);
  }
  return unsharedWarnings(map, others);
}

/** Makes all maps with the scales of all. */
async function remakeAll(maps: readonly SharingMap[], signal: AbortSignal | undefined): Promise<Member[]> {
  let members: Member[] = maps.map((map) => ({ ...map, shown: map.still }));
  if (maps.length === 1) return members;
  for (let round = 0; round < MOST_ROUNDS; round++) {
    const remade: Member[] = [];
    for (const each of members) {
      const { still, scales } = await each.remake(sharedWith(each, members), signal);
      remade.push({ ...each, shown: still, scales });
    }
    const isSettled = remade.every(({ scales }, i) => haveSameLevels(scales, members[i]!.scales)); // `!`: as many
    members = remade;
    if (isSettled) break;
  }
  return members;
}

const haveSameLevels = (a: LayerScales, b: LayerScales): boolean =>
  a.every((scale, i) => zoomLevel(scale) === zoomLevel(b[i]));

const zoomLevel = (scale: LayerScale | undefined): number | undefined =>
  scale?.kind === "together" ? levelOf(scale.shown.worldPx) : undefined;

/** Scales with the same key are shared. */
function keyOf(scale: LayerScale): string {
  const { cells } = scale;
  return cells ? `${cells.as} ${cells.cell} ${cells.value}` : `column ${(scale as OfColumn).column.name}`;
}

type OfColumn = LayerScale & { readonly kind: "column" };

const keysIn = (maps: readonly SharingMap[]): Set<string> =>
  new Set(maps.flatMap(({ scales }) => scales.flatMap((scale) => (scale ? [keyOf(scale)] : []))));

/** Returns the scales with a key, in the order of the cells and layers. */
const scalesWith = (key: string, maps: readonly SharingMap[]) =>
  maps.flatMap((map) =>
    map.scales.flatMap((scale, layer) => (scale && keyOf(scale) === key ? [{ map, layer, scale }] : [])),
  );

function checkAlike(key: string, maps: readonly SharingMap[]): void {
  const [first, ...others] = scalesWith(key, maps).flatMap(({ map, scale }) =>
    scale.kind === "column" ? [{ map, column: scale.column }] : [],
  );
  const other = first && others.find(({ column }) => !areAlike(first.column, column));
  if (!other) return;
  const placeOf = ({ map, column }: typeof other) => `${kindOf(column)} in fig.at(${map.cell.index})`;
  throw new InvalidArgumentError(
    `Maps of a figure with \`scale: "shared"\` must have the same kind of values in columns of the same name; ` +
      `${JSON.stringify(first.column.name)} has ${placeOf(first)} and ${placeOf(other)}. Rename one of the columns, or leave \`scale\` out.`,
  );
}

function sharedWith(map: SharingMap, maps: readonly SharingMap[]): SharedScales {
  return map.scales.map((scale, layer) => {
    if (!scale) return undefined;
    const all = scalesWith(keyOf(scale), maps);
    if (scale.kind === "together") {
      const shown = all.flatMap((each) => (each.scale.kind === "together" ? [each.scale.shown] : []));
      return { kind: "together", levels: sharedLevels(shown, scale.shown.layer.aggregate.palette.length) };
    }
    const columns = all.map((each) => (each.scale as OfColumn).column);
    const own = all.findIndex((each) => each.map === map && each.layer === layer);
    const from = columns.slice(0, own).reduce((sum, { values }) => sum + values.length, 0);
    return { kind: "column", column: joined(columns), from };
  });
}
