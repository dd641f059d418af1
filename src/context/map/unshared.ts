/** Says which layers of maps that share their scales cannot do so, and what would make them alike. */
import type { CellKind, LayerScale, LayerScales } from "../../map";
import { type FigureCell, levelOf } from "../../render";

interface PlacedMap {
  readonly cell: FigureCell;
  readonly scales: LayerScales;
}

/** A layer whose points are drawn together, in a cell of the figure. */
interface Placed {
  readonly at: string;
  readonly scale: LayerScale;
  readonly cells: CellKind;
}

/** Values that do not depend on the size of a cell. */
const OF_ANY_SIZE = /^(avg|min|max)\(/;

/** Returns sentences about the layers of a map whose points are drawn together and that differ from those of all other maps. */
export function unsharedWarnings(map: PlacedMap, others: readonly PlacedMap[]): string[] {
  const known = others.flatMap(placedIn);
  if (known.length === 0) return [];
  const warnings = placedIn(map).flatMap((layer) => {
    const alike = known.filter(({ cells }) => differences(cells, layer.cells).length === 0);
    return alike.length === 0 ? [notAlike(layer, closest(layer, known))] : sizeWarning(layer, alike);
  });
  return [...new Set(warnings)];
}

function placedIn({ cell, scales }: PlacedMap): Placed[] {
  return scales.flatMap((scale) =>
    scale?.cells ? [{ at: `fig.at(${cell.index})`, scale, cells: scale.cells }] : [],
  );
}

/** Names the options in which two layers differ. The sizes of cells of different shapes are not compared. */
function differences(a: CellKind, b: CellKind): (keyof CellKind)[] {
  if (a.as !== b.as) return a.value === b.value ? ["as"] : ["as", "value"];
  return (["value", "cell"] as const).filter((key) => a[key] !== b[key]);
}

function closest(layer: Placed, known: readonly Placed[]): Placed {
  return known.reduce((best, each) =>
    differences(each.cells, layer.cells).length < differences(best.cells, layer.cells).length ? each : best,
  );
}

function notAlike(layer: Placed, other: Placed): string {
  const keys = differences(layer.cells, other.cells);
  const shownIn = ({ at, cells }: Placed) =>
    `${keys.map((key) => `\`${key}: ${key === "cell" ? cells.cell : JSON.stringify(cells[key])}\``).join(" and ")} in ${at}`;
  const options = keys.map((key) => `\`${key}\``).join(" and ");
  return `Layers with ${shownIn(other)} and ${shownIn(layer)} have scales of their own. To share one, pass the same ${options} to both.`;
}

/** Counts and sums depend on the size of cells, which are of one size on the screen. */
function sizeWarning({ at, scale, cells }: Placed, alike: readonly Placed[]): string[] {
  if (scale.kind !== "together" || OF_ANY_SIZE.test(cells.value)) return [];
  const level = levelOf(scale.shown.worldPx);
  for (const other of alike) {
    if (other.scale.kind !== "together") continue;
    const zooms = level - levelOf(other.scale.shown.worldPx);
    if (zooms === 0) continue;
    const factor = 2 ** Math.abs(zooms);
    const [wide, narrow] = zooms < 0 ? [at, other.at] : [other.at, at];
    return [
      `Cells in ${wide} are ${factor} times as wide on the ground as those in ${narrow}, so their values of ${JSON.stringify(cells.value)} are not comparable. Pass the same \`zoom\`, with \`lat\` and \`lng\`, to both maps, or use \`as: "h3"\` with the same \`cell\`.`,
    ];
  }
  return [];
}
