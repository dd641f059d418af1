/** Worker thread of the readers of this project: finds the columns of files, and writes their rows as text for COPY. */
import { parentPort } from "node:worker_threads";
import type { Unread } from "../../../api/schemas/imports";
import { analyse, type Plan } from "../analyse";
import { crsOf } from "../crs";
import { asFailure, ImportFailure } from "../errors";
import { openTables } from "../formats";
import { openPlaces } from "../gazetteer";
import { guessContent } from "../guess-content";
import { readerLimit } from "../reading";
import type { FileOptions, TableSource } from "../table-source";
import { copyText } from "./copy-text";
import type { Answers, FromReader, TablePlan, ToReader } from "./protocol";

interface Table {
  readonly source: TableSource;
  readonly options: FileOptions;
  plan?: Plan;
  rows?: AheadOf<Buffer, Unread[]>;
}

const port = parentPort!;
const tables: Table[] = [];

port.on("message", async (request: ToReader) => port.postMessage(await answer(request)));

async function answer(request: ToReader): Promise<FromReader> {
  try {
    return { kind: "answer", answer: await answers[request.kind](request as never) };
  } catch (error) {
    const { code, detail } = asFailure(isOverflow(error) ? tooDeep() : error);
    return { kind: "failed", code, detail };
  }
}

/** Values are read and written by functions that call themselves once for each level. */
const isOverflow = (error: unknown) => error instanceof RangeError && /call stack/i.test(error.message);

const tooDeep = () =>
  new ImportFailure(2001, "A value is nested too deeply. Flatten it, or save it as text.");

type Requests = { [K in ToReader["kind"]]: Extract<ToReader, { kind: K }> };

const answers: { [K in keyof Answers]: (request: Requests[K]) => Promise<Answers[K]> } = {
  async open({ file, options }) {
    const first = tables.length;
    const sources = await openTables(file, options);
    const limit = readerLimit(options.reading);
    tables.push(...sources.map((source) => ({ source: limited(source, limit), options })));
    const layers = sources.map(({ name, layer, file, isExtra }) => ({ name, layer, file, isExtra }));
    return { first, layers };
  },
  async plan({ at }) {
    const table = tables[at]!;
    const { source, options } = table;
    table.plan = await analyse(source, options);
    const crs = crsOf(source, table.plan, options.reading.srid);
    return { ...tablePlan(source, table.plan), crs, encoding: source.encoding };
  },
  async guess({ at }) {
    const table = tables[at]!;
    const plan = table.plan!;
    const guess = guessContent(plan, await openPlaces());
    if (!guess) return null;
    const geometry = { of: guess.of, ready: true, mayBeInvalid: guess.kind !== "city" };
    table.plan = { ...plan, geometry, unread: [] };
    return tablePlan(table.source, table.plan);
  },
  async rows({ at }) {
    const table = tables[at]!;
    table.rows ??= new AheadOf(copyText(table.source, table.plan!));
    const { done, value } = await table.rows.next();
    return done ? { unread: value } : value;
  },
};

/** Returns what can be sent to the server, without the functions. */
function tablePlan({ columns }: TableSource, plan: Plan): TablePlan {
  const { rowCount, id, geometry } = plan;
  return {
    rowCount,
    id: id && { type: id.type },
    columns: plan.columns.map(({ at, name, type }) => ({ name, type, from: columns[at] ?? "" })),
    geometry: geometry && {
      ready: geometry.ready,
      ...(geometry.projection !== undefined && { projection: geometry.projection }),
      ...(geometry.mayBeInvalid && { mayBeInvalid: true }),
    },
    geometryTypes: Array.from(plan.geometryTypes, (type) => type.toUpperCase()),
  };
}

/** Ends the reading after the first rows. */
function limited(source: TableSource, limit: number | undefined): TableSource {
  if (limit === undefined) return source;
  const rows = async function* () {
    let count = 0;
    if (limit > 0) {
      for await (const row of source.rows()) {
        yield row;
        if (++count === limit) return;
      }
    }
  };
  return Object.assign(Object.create(source) as TableSource, { rows }); // members known after the first reading show through
}

/** Prepares the next value while the server loads the last one. */
class AheadOf<T, R> {
  readonly #values: AsyncGenerator<T, R>;
  #next: Promise<IteratorResult<T, R>>;

  constructor(values: AsyncGenerator<T, R>) {
    this.#values = values;
    this.#next = this.#prepared();
  }

  async next(): Promise<IteratorResult<T, R>> {
    const result = await this.#next;
    if (!result.done) this.#next = this.#prepared();
    return result;
  }

  #prepared(): Promise<IteratorResult<T, R>> {
    const next = this.#values.next();
    next.catch(() => {}); // thrown when it is asked for
    return next;
  }
}
