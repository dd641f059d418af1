/** KML (https://www.ogc.org/standards/kml), read placemark by placemark. */
import { ShapeError } from "../../../geometry/shape";
import { ImportFailure } from "../errors";
import { type FileToImport, layerOfFile } from "../file";
import type { Cell, FileOptions, Row, TableSource } from "../table-source";
import { decoded, encodingOfXml } from "./encoding";
import { geometryOfPlacemark, outlineOfOverlay } from "./kml-geometry";
import { childElements, childNamed, childrenNamed, textOfElement, type XmlElement, xmlElements } from "./xml";

const ROW_ELEMENTS = new Set(["Placemark", "GroundOverlay"]);
const ELEMENTS = new Set([...ROW_ELEMENTS, "Schema", "NetworkLink"]);
/** Elements of a placemark that are data. Others say how it is shown. */
const OWN_PROPERTIES = new Set(["name", "address", "open", "phoneNumber", "description"]);
const TIMES: readonly (readonly [parent: string, child: string, column: string])[] = [
  ["TimeStamp", "when", "timestamp"],
  ["TimeSpan", "begin", "begin"],
  ["TimeSpan", "end", "end"],
];
/** Groups of columns in the order of the table. Columns of two groups can have the same name. */
const GROUPS = ["own", "time", "data", "id"] as const;

interface Property {
  readonly group: (typeof GROUPS)[number];
  readonly name: string;
  readonly value: Cell;
}

/** @throws ImportFailure 1002, 2001, 2007, 3202, 6666 */
export async function openKml(file: FileToImport, { reading }: FileOptions): Promise<TableSource> {
  const encoding = await encodingOfXml(file.path, reading);
  const elements = () => xmlElements(decoded(file.path, encoding.name), ELEMENTS);
  const { columns, types } = await survey(elements());
  const positions = new Map(columns.map((column, at) => [keyOf(column), at]));
  const times = columns.flatMap(({ group }, at) => (group === "time" ? [at] : []));
  return {
    ...layerOfFile(file),
    kind: "features",
    encoding,
    projection: reading.srid,
    columns: columns.map(({ name }) => name),
    guessed: new Set(times),
    rows: () => rowsOf(elements(), types, positions),
  };
}

type Column = Pick<Property, "group" | "name">;
const keyOf = ({ group, name }: Column) => `${group} ${name}`;

/** Types of the fields of each `<Schema>`, by the name and the id of the schema. */
type Types = Map<string, ReadonlyMap<string, string>>;

/** Reads the file once for the columns and their types, because a schema may follow the placemarks that use it. */
async function survey(elements: AsyncIterable<XmlElement>): Promise<{ columns: Column[]; types: Types }> {
  const columns = new Map<string, Column>();
  const types: Types = new Map();
  let rows = 0;
  let links = 0;
  for await (const element of elements) {
    if (element.name === "Schema") addSchema(element, types);
    else if (element.name === "NetworkLink") links++;
    else {
      rows++;
      for (const { group, name } of propertiesOf(element, types))
        columns.set(keyOf({ group, name }), { group, name });
    }
  }
  if (rows === 0) throw emptyFailure(links);
  const sorted = [...columns.values()].sort((a, b) => GROUPS.indexOf(a.group) - GROUPS.indexOf(b.group));
  return { columns: sorted, types };
}

function emptyFailure(links: number): ImportFailure {
  return new ImportFailure(
    3202,
    links > 0
      ? "The KML has no placemarks, only links to other files (NetworkLink). Import the file that the link names, for example by its URL."
      : "The KML has no placemarks.",
  );
}

function addSchema(schema: XmlElement, types: Types): void {
  const fields = childrenNamed(schema, "SimpleField").map(
    ({ attributes }) => [attributes.name ?? "", attributes.type ?? "string"] as const,
  );
  const { id, name } = schema.attributes;
  for (const label of [id, name]) {
    if (label !== undefined && !types.has(label)) types.set(label, new Map(fields));
  }
}

async function* rowsOf(
  elements: AsyncIterable<XmlElement>,
  types: Types,
  positions: ReadonlyMap<string, number>,
): AsyncGenerator<Row> {
  let row = 0;
  for await (const element of elements) {
    if (!ROW_ELEMENTS.has(element.name)) continue;
    row++;
    const values: Cell[] = [];
    for (const property of propertiesOf(element, types)) {
      const at = positions.get(keyOf(property));
      if (at !== undefined) values[at] = property.value;
    }
    yield { values, ...geometryOf(element, row) };
  }
}

function geometryOf(element: XmlElement, row: number): Pick<Row, "geometry" | "invalidGeometry"> {
  const isOverlay = element.name === "GroundOverlay";
  try {
    return { geometry: isOverlay ? outlineOfOverlay(element) : geometryOfPlacemark(element) };
  } catch (error) {
    if (!(error instanceof ShapeError)) throw error;
    const reason = `The geometry of placemark ${row} cannot be used: ${error.message}.`;
    return { geometry: null, invalidGeometry: new ImportFailure(2014, reason) };
  }
}

function propertiesOf(element: XmlElement, types: Types): Property[] {
  const { id } = element.attributes;
  return [
    ...ownProperties(element),
    ...timesOf(element),
    ...timesOfTracks(element),
    ...childrenNamed(element, "ExtendedData").flatMap((data) => extendedData(data, types)),
    ...(id ? [{ group: "id", name: "id", value: id } as const] : []),
  ];
}

const ownProperties = (element: XmlElement): Property[] =>
  childElements(element)
    .filter(({ name }) => OWN_PROPERTIES.has(name))
    .map((child) => ({ group: "own" as const, name: child.name, value: textOfElement(child) }))
    .filter(({ value }) => value !== "");

function timesOf(element: XmlElement): Property[] {
  return TIMES.flatMap(([parent, child, column]) => {
    const period = childNamed(element, parent);
    const time = period && childNamed(period, child);
    return time ? [{ group: "time", name: column, value: completeDate(textOfElement(time).trim()) }] : [];
  });
}

/** Returns the times of the positions of tracks, in the form of togeojson: one list, or a list for each track. */
function timesOfTracks(element: XmlElement): Property[] {
  const tracks = [element, ...childrenNamed(element, "MultiTrack")]
    .flatMap((parent) => childrenNamed(parent, "Track"))
    .map((track) => childrenNamed(track, "when").map(textOfElement))
    .filter((times) => times.length > 0);
  if (tracks.length === 0) return [];
  const times = tracks.length === 1 ? tracks[0] : tracks;
  return [{ group: "own", name: "coordinateProperties", value: { times } }];
}

/** Completes a year or a month, which KML allows, to its first day. */
function completeDate(text: string): string {
  if (/^\d{4}$/.test(text)) return `${text}-01-01`;
  return /^\d{4}-\d\d$/.test(text) ? `${text}-01` : text;
}

/** Reads `<Data>`, `<SchemaData>` and elements of other namespaces: https://developers.google.com/kml/documentation/extendeddata */
function extendedData(extended: XmlElement, types: Types): Property[] {
  return childElements(extended).flatMap((element): Property[] => {
    switch (element.name) {
      case "Data":
        return [dataProperty(element)];
      case "SchemaData":
        return schemaData(element, types);
      default:
        return [{ group: "data", name: element.name, value: textOfElement(element) }];
    }
  });
}

function dataProperty(data: XmlElement): Property {
  const value = childNamed(data, "value");
  return { group: "data", name: data.attributes.name ?? "", value: value ? textOfElement(value) : null };
}

function schemaData(data: XmlElement, types: Types): Property[] {
  const [, schema = ""] = (data.attributes.schemaUrl ?? "").split("#");
  return childrenNamed(data, "SimpleData").map((field) => {
    const name = field.attributes.name ?? "";
    return { group: "data", name, value: typed(textOfElement(field), types.get(schema)?.get(name)) };
  });
}

const INTEGER = /^[+-]?\d+$/;
const NUMBER = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?$/i;

/** Converts a value to the type of its field, unless it is not a value of that type. */
function typed(text: string, type = "string"): Cell {
  const plain = text.trim();
  if (type === "string") return text;
  if (plain === "") return null;
  if (type === "bool") return /^(?:1|true)$/i.test(plain) || (/^(?:0|false)$/i.test(plain) ? false : text);
  if (INTEGER.test(plain) && !Number.isSafeInteger(Number(plain))) return BigInt(plain.replace("+", ""));
  return NUMBER.test(plain) ? Number(plain) : text;
}
