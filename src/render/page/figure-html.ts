/** Writes a figure as HTML: its maps and charts in one page, linked with each other. */
import { type ProgramName, pageProgram } from "../assets";
import type { ChartPlace, FigureLayout, MapPlace } from "./figure-layout";
import {
  documentOf,
  type Framed,
  hiddenStill,
  type MapInFigure,
  mapInFigure,
  overStill,
  PROGRAM_OF_FIGURES,
  packBlock,
  policyOf,
} from "./html";
import { block, SharedBlocks } from "./shared-blocks";

/** A map of a figure, and where it is. */
export interface PlacedMap extends MapInFigure {
  readonly kind: "map";
  readonly place: Omit<MapPlace, "block">;
}

/** A figure with its maps in place. */
export interface FigurePage extends Omit<FigureLayout, "cells"> {
  readonly cells: readonly (PlacedMap | ChartPlace | null)[];
  /** Rows of the charts by the names of their datasets. */
  readonly datasets: Readonly<Record<string, unknown>>;
}

/** Returns HTML for a notebook: an image of the figure, with the live one above it. */
export const figureToHtml = (page: FigurePage, still: Omit<Framed, "title">): string =>
  overStill(figurePage(page, "Figure"), { ...still, title: "Interactive figure" });

/** Returns an HTML document whose figure fills the window; the image replaces it if the figure cannot run. */
export const figureToDocument = (page: FigurePage, { still, alt }: Omit<Framed, "title">): string =>
  figurePage(page, page.title ?? "Figure", hiddenStill(still, alt));

function figurePage({ cells, datasets, ...rest }: FigurePage, title: string, before = ""): string {
  const shared = new SharedBlocks();
  const maps = cells.map((cell) => (cell?.kind === "map" ? mapInFigure(cell, shared) : undefined));
  const layout: FigureLayout = {
    ...rest,
    cells: cells.map((cell, i) =>
      cell?.kind === "map" ? { ...cell.place, block: `map-${i}` } : (cell ?? null),
    ),
  };
  const hasCharts = cells.some((cell) => cell?.kind === "chart");
  const names: ProgramName[] = [
    "page-figure",
    ...(hasCharts ? (["page-charts"] as const) : []),
    ...(maps.some((map) => map) ? [PROGRAM_OF_FIGURES] : []),
  ];
  const programs = names.map((name) => ({ name, ...pageProgram(name) }));
  const policy = policyOf(
    programs.flatMap(({ scriptSources }) => scriptSources),
    {
      images: maps.flatMap((map) => map?.origins.images ?? []),
      connections: maps.flatMap((map) => map?.origins.connections ?? []),
    },
  );
  const blocks = [
    block("figure", packBlock(JSON.stringify(layout))),
    ...(hasCharts ? [block("datasets", packBlock(JSON.stringify(datasets)))] : []),
    ...maps.flatMap((map, i) => (map ? [block(`map-${i}`, packBlock(map.html))] : [])),
    ...shared.all,
    ...programs.flatMap(({ name, program }) =>
      name === PROGRAM_OF_FIGURES ? [] : [block(name === "page-figure" ? "program" : name, program)],
    ),
  ];
  return documentOf({ title, policy, before, blocks, boot: programs[0]?.boot ?? "" });
}
