/** Maps of a figure that share their scales: adding one makes the others again, with the classes of all values. */
import { InvalidArgumentError } from "../../errors";
import { areAlike, type ColoredColumns, joined, kindOf, type SharedColumns } from "../../map";
import type { FigureCell, StillMap } from "../../render";

/** A map that can be made again with other classes. */
export interface SharingMap {
  readonly cell: FigureCell;
  /** For each layer, the column that colours it, with the values that the map draws. */
  readonly columns: ColoredColumns;
  /** The map by itself. */
  readonly still: StillMap;
  remake(columns: SharedColumns, signal: AbortSignal | undefined): Promise<StillMap>;
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

const groups = new WeakMap<object, Group>();

/**
 * Puts a map into its cell of a figure whose maps share their scales.
 * @throws InvalidArgumentError if columns of one name have values of different kinds; the figure is unchanged then
 */
export async function putShared(
  figure: object,
  map: SharingMap,
  signal: AbortSignal | undefined,
): Promise<void> {
  const group = groups.get(figure) ?? { members: new Map(), turn: Promise.resolve() };
  groups.set(figure, group);
  const added = group.turn.then(() => addTo(group, map, signal));
  group.turn = added.catch(() => {});
  await added;
}

async function addTo({ members }: Group, map: SharingMap, signal: AbortSignal | undefined): Promise<void> {
  const others = [...members.values()].filter(
    ({ cell, shown }) => cell.index !== map.cell.index && cell.shows(shown),
  );
  const maps = [...others, map].sort((a, b) => a.cell.index - b.cell.index);
  for (const name of namesIn(maps)) checkAlike(name, maps);
  const remade: Member[] = [];
  for (const each of maps)
    remade.push({
      ...each,
      shown: maps.length === 1 ? each.still : await each.remake(sharedWith(each, maps), signal),
    });
  members.clear();
  for (const member of remade) {
    member.cell.map(member.shown);
    members.set(member.cell.index, member);
  }
}

const namesIn = (maps: readonly SharingMap[]): Set<string> =>
  new Set(maps.flatMap(({ columns }) => columns.flatMap((column) => (column ? [column.name] : []))));

/** Returns the columns of a name, in the order of the cells and layers. */
const columnsNamed = (name: string, maps: readonly SharingMap[]) =>
  maps.flatMap((map) =>
    map.columns.flatMap((column, layer) => (column?.name === name ? [{ map, layer, column }] : [])),
  );

function checkAlike(name: string, maps: readonly SharingMap[]): void {
  const [first, ...others] = columnsNamed(name, maps);
  const other = others.find(({ column }) => !areAlike(first!.column, column)); // `!`: the name is that of a column
  if (!other) return;
  const placeOf = ({ map, column }: typeof other) => `${kindOf(column)} in fig.at(${map.cell.index})`;
  throw new InvalidArgumentError(
    `Maps of a figure with \`scale: "shared"\` must have the same kind of values in columns of the same name; ` +
      `${JSON.stringify(name)} has ${placeOf(first!)} and ${placeOf(other)}. Rename one of the columns, or leave \`scale\` out.`,
  );
}

function sharedWith(map: SharingMap, maps: readonly SharingMap[]): SharedColumns {
  return map.columns.map((column, layer) => {
    if (!column) return undefined;
    const all = columnsNamed(column.name, maps);
    const before = all.slice(
      0,
      all.findIndex((each) => each.map === map && each.layer === layer),
    );
    const from = before.reduce((sum, { column: { values } }) => sum + values.length, 0);
    return { column: joined(all.map((each) => each.column)), from };
  });
}
