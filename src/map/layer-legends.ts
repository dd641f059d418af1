/** Which legends a layer has, of how its colours and sizes came about. */
import type { ColorStyle, Legend, Rgba, SizeStyle } from "../render/scene";
import type { Classes } from "./classify";
import type { GeometryKind } from "./geometry";
import type { LayerData } from "./layer-data";
import { type Look, legendOf, plainLegendOf, rampLegendOf, sizesLegendOf } from "./legend";
import type { LegendStyle } from "./style-options";
import type { ClassColumn } from "./tile-columns";
import type { TimeMethod } from "./time-options";

/** Sizes are shown in this colour where the colour of the layer tells something else. */
const NEUTRAL: Rgba = [136, 136, 136, 255];

/** A style, and if a column decides it, how its classes came about. */
export interface Channel<S> {
  readonly style: S;
  readonly by?: ClassColumn;
}

interface LegendContext {
  readonly kind: GeometryKind;
  readonly color: Channel<ColorStyle>;
  readonly size: Channel<SizeStyle>;
  readonly data: LayerData;
  readonly name: string;
  readonly layerCount: number;
  /** Size of a symbol where sizes tell something else. */
  readonly defaultPx: number;
  /** Of the values in the frames of a layer with times. */
  readonly method: TimeMethod | undefined;
}

/**
 * One legend for each column; one for both where colour and size tell the same. A layer that looks the same
 * everywhere is named if it is one of several, or if somebody gave it a title.
 */
export function legendsOf(
  options: LegendStyle,
  { kind, color, size, data, name, layerCount, defaultPx, method }: LegendContext,
): Legend[] {
  const { title, sizeTitle } = options;
  const constantPx = size.style.kind === "constant" ? size.style.px : defaultPx;
  const constantColor = color.style.kind === "constant" ? color.style.color : NEUTRAL;
  if (!color.by && !size.by) {
    if (layerCount < 2 && title === undefined) return [];
    return [
      plainLegendOf(
        title ?? name,
        kind,
        { color: constantColor, sizePx: constantPx },
        data.rowCount,
        options,
      ),
    ];
  }
  const valueTitle = (column: string) => (method ? `${method}(${column})` : column);
  const byColor =
    color.by &&
    colorLegend(title ?? valueTitle(color.by.name), kind, color.by.classes, color.style, constantPx, options);
  const sizes = sizeTitle ?? (color.by === undefined ? title : undefined) ?? valueTitle(size.by?.name ?? "");
  const bySize = size.by && sizeLegend(sizes, kind, size.by.classes, size.style, constantColor, options);
  if (byColor && bySize && color.by.name === size.by.name && sameLabels(byColor, bySize)) {
    return [
      { ...byColor, items: byColor.items.map((item, i) => ({ ...item, sizePx: bySize.items[i]!.sizePx })) },
    ];
  }
  return [byColor, bySize].filter((legend) => legend !== undefined && legend !== null);
}

function colorLegend(
  title: string,
  kind: GeometryKind,
  classes: Classes,
  style: ColorStyle,
  sizePx: number,
  options: LegendStyle,
): Legend | null {
  const [looks, missing] = colorLooks(style, sizePx);
  if (classes.kind !== "steps") return legendOf(title, kind, classes, looks, missing, options);
  return rampLegendOf(
    title,
    kind,
    classes,
    looks.map(({ color }) => color),
    missing,
    options,
  );
}

function sizeLegend(
  title: string,
  kind: GeometryKind,
  classes: Classes,
  style: SizeStyle,
  color: Rgba,
  options: LegendStyle,
): Legend | null {
  const [looks, missing] = sizeLooks(style, color);
  if (classes.kind !== "steps") return legendOf(title, kind, classes, looks, missing, options);
  const pxOf = (share: number) => looks[Math.round(share * (looks.length - 1))]!.sizePx;
  return sizesLegendOf(title, kind, classes, pxOf, missing, options);
}

const sameLabels = (a: Legend, b: Legend) =>
  !a.ramp &&
  !b.ramp &&
  a.items.length === b.items.length &&
  a.items.every(({ label }, i) => label === b.items[i]!.label);

function colorLooks(style: ColorStyle, sizePx: number): [looks: Look[], missing: Look] {
  if (style.kind === "constant") return [[], { color: style.color, sizePx }];
  return [style.palette.map((color) => ({ color, sizePx })), { color: style.missing, sizePx }];
}

function sizeLooks(style: SizeStyle, color: Rgba): [looks: Look[], missing: Look] {
  if (style.kind === "constant") return [[], { color, sizePx: style.px }];
  return [style.px.map((sizePx) => ({ color, sizePx })), { color, sizePx: style.missingPx }];
}
