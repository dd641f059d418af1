/** Puts together what the page of a figure with live maps and charts shows. */
import type { FigurePage } from "../page/figure-html";
import type { FacetLegend } from "../page/figure-layout";
import type { SceneChange } from "../scene-change";
import { drawn } from "./chart-size";
import { captionsOf } from "./compared";
import type { Cell } from "./compose";
import { type Content, mapsIn, paramsOf, titleOf } from "./content";
import { type LiveCell, linkedCells } from "./linked";
import { liveChart } from "./live-chart";
import { type Json, merged } from "./spec";

interface PageParts {
  /** What the figure changes of its maps. */
  readonly changes: readonly SceneChange[];
  /** The cells, with the sides that the figure gives to charts. */
  readonly fitted: readonly (Cell | undefined)[];
  readonly columns: number;
  readonly title: string | undefined;
  readonly compares: boolean;
  readonly legend: FacetLegend | undefined;
}

export function livePage(
  contents: readonly (Content | undefined)[],
  { changes, fitted, columns, title, compares, legend }: PageParts,
): FigurePage {
  const charts = contents.flatMap((content) => (content?.kind === "chart" ? [content.chart] : []));
  const config = charts.reduce<Json>((all, chart) => merged(all, chart.config), {});
  const params = charts.flatMap((chart) => chart.params);
  const cells = contents.map((content, index): LiveCell => {
    const cell = fitted[index];
    if (content?.kind === "map") {
      const { live, widthPx, heightPx } = content.map;
      return live ? { kind: "map", live, change: changes[index] ?? {}, widthPx, heightPx } : null;
    }
    if (content?.kind !== "chart" || cell?.kind !== "chart") return null;
    const { chart, rows } = content;
    const description = String(chart.spec.description ?? titleOf(chart.spec) ?? "Chart");
    const spec = liveChart({ chart, sides: cell.sides, config, params, linked: rows?.name, description });
    const { datasets } = chart;
    const { widthPx, heightPx } = drawn({
      ...cell.sides,
      ...chart.spec,
      datasets,
      config,
      params: paramsOf(chart),
    });
    return { kind: "chart", place: { kind: "chart", spec, widthPx, heightPx }, frame: rows?.frame };
  });
  const [left, right] = captionsOf(mapsIn(contents));
  return {
    ...(title !== undefined && { title }),
    columns,
    cells: linkedCells(cells),
    datasets: Object.assign({}, ...charts.map(({ datasets }) => datasets)),
    ...(compares && { compare: { left, right } }),
    ...(legend && { legend }),
  };
}
