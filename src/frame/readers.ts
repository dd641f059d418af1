import { ArrayBuilder, type ElementReader, Precise } from "./arrays";
import { type Batch, BooleanBuilder, type ColumnBuilder, NumberBuilder, ObjectBuilder } from "./builder";
import { GeometryBuilder, geometryAt } from "./geometry-reader";
import { INEXACT, isNumeric, NumericBuilder, numericNumber, numericText } from "./numeric";
import { TextBuilder, textAt } from "./text";
import { dateMs, dateText, int64, timestampMs, timestampText, WholeBuilder, type WholeCodec } from "./times";
import { elementTypeOf, type Field, type PgType, pgTypeOf } from "./types";

const JSONB_VERSION = 1;
const TWO_POW_32 = 2 ** 32;

const NOT_FITTING = "holds elements beyond JavaScript's numbers or dates";
const UNTIMELY = "holds infinity or dates beyond JavaScript's range";

const INT8: WholeCodec = {
  kind: "number",
  width: 8,
  number: (high, low) => {
    const value = high * TWO_POW_32 + (low >>> 0);
    return Number.isSafeInteger(value) ? value : Number.NaN;
  },
  text: (high, low) => String(int64(high, low)),
  why: "holds integers beyond ±9007199254740991",
};
const DATE: WholeCodec = { kind: "datetime", width: 4, number: dateMs, text: dateText, why: UNTIMELY };
const TIMESTAMP: WholeCodec = {
  kind: "datetime",
  width: 8,
  number: timestampMs,
  text: (high, low) => timestampText(int64(high, low), ""),
  why: UNTIMELY,
};
const TIMESTAMPTZ: WholeCodec = {
  ...TIMESTAMP,
  text: (high, low) => timestampText(int64(high, low), "+00"),
};

/** Reads a column of a type, and an element of this type in an array. */
interface Reader {
  readonly column: (field: Field) => ColumnBuilder;
  readonly element: ElementReader;
}

const READERS = {
  bool: {
    column: (field) => new BooleanBuilder(field),
    element: ({ bytes }, at, end) => (end - at === 1 && bytes[at]! <= 1 ? bytes[at] === 1 : undefined), // at is below end
  },
  int2: fixed(2, (view, at) => view.getInt16(at)),
  int4: fixed(4, (view, at) => view.getInt32(at)),
  int8: whole(INT8),
  float4: fixed(4, (view, at) => view.getFloat32(at)),
  float8: fixed(8, (view, at) => view.getFloat64(at)),
  numeric: {
    column: (field) => new NumericBuilder(field),
    element: ({ view }, at, end) => {
      if (!isNumeric(view, at, end - at)) return undefined;
      const value = numericNumber(view, at);
      return new Precise(value === INEXACT ? null : value, numericText(view, at));
    },
  },
  text: text(),
  varchar: text(),
  bpchar: text(),
  name: text(),
  date: whole(DATE),
  timestamp: whole(TIMESTAMP),
  timestamptz: whole(TIMESTAMPTZ),
  json: json((batch, at, end) => textAt(batch.bytes, at, end)),
  jsonb: json(({ bytes }, at, end) =>
    end > at && bytes[at] === JSONB_VERSION ? textAt(bytes, at + 1, end) : undefined,
  ),
  geometry: geometry(),
  geography: geometry(),
} satisfies Record<PgType, Reader>;

/** Returns the builder for a column. Types that are not read in binary arrive as text, their arrays as JSON (`copySelect`). */
export function builderFor(field: Field): ColumnBuilder {
  const type = pgTypeOf(field.pgtype);
  if (type !== null) return READERS[type].column(field);
  const elementType = elementTypeOf(field.pgtype);
  if (elementType !== null) return new ArrayBuilder(field, READERS[elementType].element, NOT_FITTING);
  return field.pgtype.startsWith("_") ? READERS.json.column(field) : READERS.text.column(field);
}

function fixed(width: number, read: (view: DataView, at: number) => number): Reader {
  return {
    column: (field) => new NumberBuilder(field, width, read),
    element: ({ view }, at, end) => (end - at === width ? read(view, at) : undefined),
  };
}

function whole(codec: WholeCodec): Reader {
  return {
    column: (field) => new WholeBuilder(field, codec),
    element: ({ view }, at, end) => {
      if (end - at !== codec.width) return undefined;
      const high = view.getInt32(at);
      const low = codec.width === 8 ? view.getInt32(at + 4) : 0;
      const value = codec.number(high, low);
      if (Number.isNaN(value)) return new Precise(null, codec.text(high, low));
      return new Precise(codec.kind === "datetime" ? new Date(value) : value, codec.text(high, low));
    },
  };
}

function text(): Reader {
  return {
    column: (field) => new TextBuilder(field),
    element: ({ bytes }, at, end) => textAt(bytes, at, end),
  };
}

function json(document: (batch: Batch, at: number, end: number) => string | undefined): Reader {
  const element: ElementReader = (batch, at, end) => {
    const source = document(batch, at, end);
    try {
      return source === undefined ? undefined : (JSON.parse(source) as unknown);
    } catch {
      return undefined;
    }
  };
  return { column: (field) => new ObjectBuilder(field, element), element };
}

function geometry(): Reader {
  return { column: (field) => new GeometryBuilder(field), element: geometryAt };
}
