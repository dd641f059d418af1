import escapeHtml from "escape-html";
import stringWidth from "string-width";
import { cellOf, isFrame, isSeries, rowCountOf } from "../frame/cells";
import { type Cell, columnText, labelText, visible } from "./cell-text";

/**
 * danfo's internal fields of a DataFrame or a Series. Frames are recognized by them and read through them, because users
 * import their own copy of danfo, and a column called `shape` or `columns` hides the public member.
 */
export interface FrameLike {
  readonly $isSeries: boolean;
  /** A plain string in some Series. */
  readonly $columns: readonly unknown[] | string;
  readonly $dtypes: readonly unknown[];
  readonly $index: readonly unknown[];
}

/** Frames with more than `max` rows or columns show only the first and last ones. */
const ROWS = { max: 20, head: 5, tail: 5 };
const COLUMNS = { max: 16, head: 10, tail: 5 };
/** Width of the text form in characters. Wider tables leave out columns in the middle. */
const TEXT_WIDTH = 110;
/** Cells are cut to the first of these lengths at which the whole table fits, or else to the usual one. */
const TEXT_CELL_CHARS = { steps: [50, 36, 24], usual: 36 };

/** Marks omitted rows or columns in a list of their numbers. */
const GAP = -1;

interface Column {
  readonly name: string;
  readonly dtype: string;
  readonly align: "left" | "right";
  readonly cells: readonly Cell[];
  /** True for the placeholder of omitted columns. */
  readonly gap?: boolean;
}

interface Table {
  /** Labels of the shown rows, with "⋮" at the gap. */
  readonly labels: readonly string[];
  readonly columns: readonly Column[];
  /** "12,345 rows × 6 columns" */
  readonly shape: string;
}

export function isFrameLike(value: unknown): value is FrameLike {
  if (!isFrame(value) && !isSeries(value)) return false;
  const { $columns } = value as unknown as FrameLike;
  return Array.isArray($columns) || typeof $columns === "string";
}

/** Returns the HTML and text that a notebook shows for a frame. The cost depends on the shown rows and columns only. */
export function frameBundle(frame: FrameLike): { "text/html": string; "text/plain": string } {
  const table = tableOf(frame);
  return { "text/html": html(table), "text/plain": text(table) };
}

/** Returns an aligned table for a monospaced font, as wide as a notebook's output. */
export function frameText(frame: FrameLike): string {
  return text(tableOf(frame));
}

/** Returns a summary such as "DataFrame, 12,345 rows × 6 columns". */
export function frameSummary(frame: FrameLike): string {
  return `${frame.$isSeries ? "Series" : "DataFrame"}, ${shapeOf(frame)}`;
}

function tableOf(frame: FrameLike): Table {
  const rows = pick(rowCountOf(frame), ROWS);
  const gapColumn: Column = {
    name: "…",
    dtype: "",
    align: "left",
    cells: rows.map(() => ({ text: "…" })),
    gap: true,
  };
  const columns = pick(columnNames(frame).length, COLUMNS).map((column) =>
    column === GAP ? gapColumn : columnOf(frame, column, rows),
  );
  const labels = rows.map((row) => (row === GAP ? "⋮" : labelText(frame.$index[row])));
  return { labels, columns, shape: shapeOf(frame) };
}

function columnOf(frame: FrameLike, column: number, rows: readonly number[]): Column {
  const gap = rows.indexOf(GAP);
  const shown = rows.filter((row) => row !== GAP).map((row) => cellOf(frame, row, column));
  const { cells, align, geometry } = columnText(shown);
  return {
    name: visible(String(columnNames(frame)[column])),
    dtype: geometry ? "geometry" : visible(String(frame.$dtypes[column] ?? "")),
    align,
    cells: gap === -1 ? cells : cells.toSpliced(gap, 0, { text: "⋮" }),
  };
}

const columnNames = ({ $columns }: FrameLike) => (typeof $columns === "string" ? [$columns] : $columns);

function pick(count: number, { max, head, tail }: typeof ROWS): number[] {
  const all = Array.from({ length: Math.min(count, max) }, (_, i) => i);
  if (count <= max) return all;
  return [...all.slice(0, head), GAP, ...all.slice(0, tail).map((i) => count - tail + i)];
}

const counted = (n: number, noun: string) => `${n.toLocaleString("en-US")} ${noun}${n === 1 ? "" : "s"}`;

function shapeOf(frame: FrameLike): string {
  const rows = counted(rowCountOf(frame), frame.$isSeries ? "value" : "row");
  return frame.$isSeries ? rows : `${rows} × ${counted(columnNames(frame).length, "column")}`;
}

// JupyterLab removes <style> from outputs and drops colors that are not literal. The table therefore inherits the
// theme's colors and dims with opacity, which works in light, dark and exported notebooks.
const FADED = "opacity:0.6";
const CELL = { left: "text-align:left;white-space:pre", right: "text-align:right" };

function html({ labels, columns, shape }: Table): string {
  if (columns.length === 0) return `<div style="${FADED}">${shape}</div>`;
  const headers = columns.map(
    ({ name, dtype, align }) =>
      `<th style="${CELL[align]}">${escapeHtml(name)}` +
      `<br><span style="font-weight:normal;${FADED}">${escapeHtml(dtype)}</span></th>`,
  );
  const rows = labels.map((label, row) => {
    const cells = columns.map(({ align, cells }) => htmlCell(cells[row]!, align)); // one cell per row
    return `<tr><th style="${CELL.right}">${escapeHtml(label)}</th>${cells.join("")}</tr>`;
  });
  return [
    '<div style="overflow-x:auto">',
    `<table class="dataframe" style="border-spacing:1em 0"><thead><tr><th></th>${headers.join("")}</tr></thead>`,
    `<tbody>${rows.join("\n")}</tbody></table>`,
    `<div style="${FADED}">${shape}</div>`,
    "</div>",
  ].join("\n");
}

function htmlCell({ text, missing }: Cell, align: "left" | "right"): string {
  const content = missing ? `<span style="${FADED}">${text}</span>` : escapeHtml(text);
  return `<td style="${CELL[align]}">${content}</td>`;
}

function text({ labels, columns, shape }: Table): string {
  if (columns.length === 0) return shape;
  const index = block(["", "", ...labels], "right");
  const gap = block(["…", "", ...labels.map(() => "…")], "left");
  const room = TEXT_WIDTH - index.width;
  const blocksOf = (maxChars: number) =>
    columns.map((column) => (column.gap ? gap : columnBlock(column, maxChars)));
  const fits = TEXT_CELL_CHARS.steps.find((maxChars) => widthOf(blocksOf(maxChars)) <= room);
  const blocks = blocksOf(fits ?? TEXT_CELL_CHARS.usual);
  const shown = [index, ...fitting(blocks, gap, room)];
  const lines = index.lines.map((_, i) => shown.map((column) => column.lines[i]).join("  "));
  return [...lines.map((line) => line.trimEnd()), shape].join("\n");
}

interface Block {
  readonly lines: readonly string[];
  readonly width: number;
}

function columnBlock({ name, dtype, align, cells }: Column, maxChars: number): Block {
  const texts = [name, dtype, ...cells.map((cell) => cell.text)];
  return block(
    texts.map((line) => (line.length > maxChars ? `${line.slice(0, maxChars - 1)}…` : line)),
    align,
  );
}

/** Returns the width of columns side by side, with two spaces before each. */
const widthOf = (columns: readonly Block[]) => columns.reduce((sum, { width }) => sum + 2 + width, 0);

function block(texts: readonly string[], align: "left" | "right"): Block {
  const widths = texts.map((line) => stringWidth(line));
  const width = Math.max(...widths);
  const lines = texts.map((line, i) => {
    const padding = " ".repeat(width - widths[i]!); // one per cell
    return align === "right" ? padding + line : line + padding;
  });
  return { lines, width };
}

/** Returns the columns, or as many from both ends as fit into `room` characters with `gap` between them. */
function fitting(columns: readonly Block[], gap: Block, room: number): readonly Block[] {
  if (widthOf(columns) <= room) return columns;
  const cut = columns.indexOf(gap); // Columns were already omitted there, so the gap stays in place.
  const heads = cut < 0 ? [...columns] : columns.slice(0, cut);
  const tails = cut < 0 ? heads : columns.slice(cut + 1);
  const head: Block[] = [];
  const tail: Block[] = [];
  while (heads.length + tails.length > 0) {
    const fromHead = tails.length === 0 || (heads.length > 0 && head.length <= tail.length);
    const next = (fromHead ? heads.shift() : tails.pop())!; // one of them is not empty
    if (widthOf([...head, gap, ...tail, next]) > room) break;
    if (fromHead) head.push(next);
    else tail.unshift(next);
  }
  return [...head, gap, ...tail];
}
