import type { Danfo } from "./danfo";

/**
 * Members that danfo 1.2 uses on its own frames. It puts an accessor for every column on the frame and so
 * replaces them where a column has that name: the constructor then never ends or throws. Such a column gets
 * no accessor here and is read with `df.column(name)`.
 */
const OWN_MEMBERS = new Set([
  "addColumn",
  "column",
  "columns",
  "config",
  "constructor",
  "copy",
  "cumOps",
  "drop",
  "dtypes",
  "getColumnData",
  "iloc",
  "index",
  "loc",
  "shape",
  "tensor",
  "values",
  "__proto__",
]);

interface FramePrototype {
  readonly columns: readonly string[];
  $setInternalColumnDataProperty(this: FramePrototype, column?: string): void;
}

interface UtilsPrototype {
  is1DArray(values: readonly unknown[]): boolean;
}

const REPAIRED = Symbol.for("cartoframes.danfo.repaired");

/**
 * Two repairs of danfo 1.2, where it would only throw: columns named like its own members, and columns of
 * geometries, which `df["geometry"]` refuses with "File format not supported!". Frames that danfo derives
 * (`head`, `query`, `groupby`) need them as well, so they are made once, on its prototypes.
 */
export function repairDanfo({ DataFrame, Utils }: Danfo): void {
  const frame = baseOf(DataFrame.prototype) as FramePrototype & { [REPAIRED]?: true };
  if (frame[REPAIRED]) return;
  frame[REPAIRED] = true;

  const define = frame.$setInternalColumnDataProperty;
  frame.$setInternalColumnDataProperty = function (column) {
    const names = column === undefined ? this.columns : [column];
    for (const name of names) if (name !== "" && !isOwnMember(name)) define.call(this, name);
  };

  const utils = Utils.prototype as unknown as UtilsPrototype;
  const is1DArray = utils.is1DArray;
  utils.is1DArray = function (values) {
    return is1DArray.call(this, values) || isGeometry(values[0]);
  };
}

/** danfojs-node exports a subclass; what `head` or `query` give are frames of the class below it. */
function baseOf(prototype: object): unknown {
  const owns = Object.hasOwn(prototype, "$setInternalColumnDataProperty");
  return owns ? prototype : baseOf(Object.getPrototypeOf(prototype) as object);
}

const isOwnMember = (name: string) => name.startsWith("$") || OWN_MEMBERS.has(name);

const isGeometry = (value: unknown) =>
  typeof value === "object" && value !== null && typeof (value as { toWkb?: unknown }).toWkb === "function";
