/** Worker thread of the readers of this project: finds the columns of files, and writes their rows as text for COPY. */
import { parentPort } from "node:worker_threads";
import { analyse, type Plan } from "../analyse";
import { asFailure, ImportFailure } from "../errors";
import { openTables } from "../formats";
import { openPlaces } from "../gazetteer";
import { guessContent } from "../guess-content";
import type { FileOptions, TableSource } from "../table-source";
import { copyText } from "./copy-text";
import type { Answers, FromReader, TablePlan, ToReader } from "./protocol";

interface Table {
  readonly source: TableSource;
  readonly options: FileOptions;
  plan?: Plan;
  rows?: AheadOf<Buffer, number>;
}

const port = parentPort!;
const tables: Table[] = [];

let last = Promise.resolve();
port.on("message", (request: ToReader) => {
  last = last.then(async () => port.postMessage(await answer(request)));
});

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
    tables.push(...sources.map((source) => ({ source, options })));
    return { first, names: sources.map(({ name }) => name) };
  },
  async plan({ at }) {
    const table = tables[at]!;
    table.plan = await analyse(table.source, table.options);
    return tablePlan(table.source, table.plan);
  },
  async guess({ at }) {
    const table = tables[at]!;
    const plan = table.plan!;
    const guess = guessContent(plan, await openPlaces());
    if (!guess) return null;
    const geometry = { of: guess.of, ready: true, mayBeInvalid: guess.kind !== "city" };
    table.plan = { ...plan, geometry };
    return tablePlan(table.source, table.plan);
  },
  async rows({ at }) {
    const table = tables[at]!;
    table.rows ??= new AheadOf(copyText(table.source, table.plan!));
    const { done, value } = await table.rows.next();
    return done ? { unusableGeometries: value } : value;
  },
};

/** Returns what can be sent to the server, without the functions. */
function tablePlan({ columns }: TableSource, { rowCount, id, columns: planned, geometry }: Plan): TablePlan {
  return {
    rowCount,
    id: id && { type: id.type },
    columns: planned.map(({ name, type }) => ({ name, type })),
    geometry: geometry && {
      ready: geometry.ready,
      ...(geometry.projection !== undefined && { projection: geometry.projection }),
      ...(geometry.mayBeInvalid && { mayBeInvalid: true }),
    },
    renamed: planned
      .map(({ at, name }) => ({ from: columns[at] ?? "", to: name }))
      .filter(({ from, to }) => from !== to),
  };
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
