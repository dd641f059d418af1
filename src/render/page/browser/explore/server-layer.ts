/** Counts of one layer by the server that has its full data: instances of the layer's named map, and their dataviews. */
import type { Explorer, StepCounts } from "../../../explore/explorer";
import { stepCountOf } from "../../../explore/explorer";
import {
  layerDataview,
  type PlaceholderValues,
  placeholderValues,
  stepRange,
  widgetDataview,
} from "../../../explore/server-counts";
import type { CountService } from "../../../scene";

/** Counts that are kept, so that a filter that is removed again shows at once. */
const MOST_KEPT = 200;
/** Number of parallel requests of a layer, which leaves some for its tiles. */
const AT_ONCE = 3;

/** Rows by step, or the value of a formula; NaN if no row has one. */
type Answer = Uint32Array | number;

/** A question to a dataview, and the key under which its answer is kept. */
interface Question {
  readonly key: string;
  readonly widget: number;
  /** Filters of the instance to ask. */
  readonly values: PlaceholderValues;
  readonly area: string;
}

/** The server refuses what the page asks, so that asking again is of no use. */
export class Refused extends Error {}
/** Counting takes longer than the server lets it. */
export class TooSlow extends Error {}

export class ServerLayer {
  readonly #service: CountService;
  readonly #explorer: Explorer;
  readonly #layer: number;
  readonly #widgets: readonly number[];
  readonly #answers = new Map<string, Answer>();
  /** Path of the instance with some values of placeholders. */
  readonly #instances = new Map<string, Promise<string>>();

  constructor(service: CountService, explorer: Explorer, layer: number) {
    this.#service = service;
    this.#explorer = explorer;
    this.#layer = layer;
    this.#widgets = [...explorer.widgets.keys()].filter((i) => explorer.widgets[i]!.layer === layer); // `!`: its index
  }

  /** The filters of the layer. */
  get values(): PlaceholderValues {
    return placeholderValues(this.#explorer, this.#layer);
  }

  /** True if all counts of a view are known. @param area parameters that choose the rows in the view */
  isKnown(area: string): boolean {
    return this.#questions(area).every(({ key }) => this.#answers.has(key));
  }

  stepsOf(widget: number, area: string): Partial<StepCounts> {
    const [counts, totals] = this.#questionsOf(widget, area).map(({ key }) => this.#answers.get(key));
    return {
      ...(counts instanceof Uint32Array && { counts }),
      ...(totals instanceof Uint32Array && { totals }),
    };
  }

  valueOf(widget: number, area: string): number | undefined {
    const [value] = this.#questionsOf(widget, area).map(({ key }) => this.#answers.get(key));
    return typeof value === "number" ? value : undefined;
  }

  /** Asks for what is not known yet. @throws Refused, TooSlow, TypeError without a connection, DOMException if it is aborted */
  async ask(area: string, signal: AbortSignal): Promise<void> {
    const questions = this.#questions(area);
    for (const { key } of questions) this.#keep(key, this.#answers.get(key));
    const open = questions.filter(({ key }) => !this.#answers.has(key));
    const worker = async () => {
      for (let question = open.shift(); question; question = open.shift()) {
        const { key, values, widget, area } = question;
        this.#keep(key, await this.#answer(widget, values, area, signal));
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, worker));
  }

  /** Keeps an answer, and forgets those that have not been used for longest. */
  #keep(key: string, answer: Answer | undefined): void {
    if (answer === undefined) return;
    this.#answers.delete(key);
    this.#answers.set(key, answer);
    for (const old of this.#answers.keys()) {
      if (this.#answers.size <= MOST_KEPT) return;
      this.#answers.delete(old);
    }
  }

  /** Returns the number of rows in a ring that pass all filters. @param ring longitudes and latitudes, closed */
  async countIn(ring: readonly (readonly [number, number])[], signal: AbortSignal): Promise<number> {
    const polygon = JSON.stringify({ type: "Polygon", coordinates: [ring] });
    const path = `dataview/${layerDataview(this.#layer)}`;
    const answer = await this.#get(path, this.values, `&polygon=${encodeURIComponent(polygon)}`, signal);
    return Number(answer.result);
  }

  /** Returns the URL template of the layer's tiles with its filters. */
  async tilesUrl(signal: AbortSignal): Promise<string> {
    const instance = await this.#instanceOf(this.values, signal);
    return this.#url(`${instance}/layer${this.#layer}/{z}/{x}/{y}.mvt`);
  }

  #questions(area: string): Question[] {
    const all = this.#widgets.flatMap((widget) => this.#questionsOf(widget, area));
    return [...new Map(all.map((question) => [question.key, question])).values()];
  }

  /**
   * The question about the rows that pass, and for a widget that filters the one about all rows. These are the same without other
   * filters: a widget's own filter does not change what its dataview counts.
   */
  #questionsOf(widget: number, viewArea: string): Question[] {
    const { inView, kind } = this.#explorer.widgets[widget]!; // `!`: one of the widgets
    const area = inView ? viewArea : "";
    const about = (counted: PlaceholderValues, values: PlaceholderValues): Question => ({
      key: JSON.stringify([widget, counted, area]),
      widget,
      values,
      area,
    });
    const { values } = this;
    if (kind === "formula") return [about(values, values)];
    return [about(placeholderValues(this.#explorer, this.#layer, widget), values), about({}, {})];
  }

  async #answer(
    widget: number,
    values: PlaceholderValues,
    area: string,
    signal: AbortSignal,
  ): Promise<Answer> {
    const column = this.#explorer.columnOf(widget);
    const path = `dataview/${widgetDataview(widget)}`;
    if (!column) {
      const { result } = await this.#get(path, values, area, signal);
      return typeof result === "number" ? result : Number.NaN;
    }
    const steps = new Uint32Array(stepCountOf(column));
    const set = (step: unknown, rows: unknown) => {
      if (Number(step) < steps.length) steps[Number(step)] = Number(rows);
    };
    if (column.kind === "category") {
      // the rest of the categories is one, too
      const { categories } = await this.#get(path, values, `${area}&categories=${steps.length + 2}`, signal);
      for (const { category, value } of listIn(categories)) if (category !== null) set(category, value);
    } else {
      const { start, end, bins: count } = stepRange(steps.length - 1);
      const query = `${area}&start=${start}&end=${end}&bins=${count}`;
      const { bins } = await this.#get(path, values, query, signal);
      for (const { bin, freq } of listIn(bins)) set(Number(bin) + 1, freq);
    }
    return steps;
  }

  /** Asks an instance, which is made again once if the server has forgotten it. */
  async #get(
    path: string,
    values: PlaceholderValues,
    query: string,
    signal: AbortSignal,
  ): Promise<Record<string, unknown>> {
    for (let attempt = 1; ; attempt++) {
      const instance = await this.#instanceOf(values, signal);
      const response = await request(`${this.#url(`${instance}/${path}`)}${query}`, { signal });
      if (response.ok) return (await response.json()) as Record<string, unknown>;
      this.#instances.delete(JSON.stringify(values));
      if (response.status !== 400 || attempt > 1) throw failure(response);
    }
  }

  #instanceOf(values: PlaceholderValues, signal: AbortSignal): Promise<string> {
    const key = JSON.stringify(values);
    let instance = this.#instances.get(key);
    if (!instance) {
      instance = this.#instantiate(key, signal);
      this.#instances.set(key, instance);
      instance.catch(() => this.#instances.delete(key));
    }
    return instance;
  }

  async #instantiate(body: string, signal: AbortSignal): Promise<string> {
    const headers = { "Content-Type": "application/json" };
    const response = await request(this.#service.instanceUrl, { method: "POST", body, headers, signal });
    if (!response.ok) throw failure(response);
    const { layergroupid } = (await response.json()) as { layergroupid?: unknown };
    if (typeof layergroupid !== "string") throw new Refused("the map has no instance");
    return layergroupid;
  }

  #url(path: string): string {
    return this.#service.urlTemplate.replace("{path}", () => path);
  }
}

const listIn = (value: unknown): readonly Record<string, unknown>[] =>
  Array.isArray(value) ? (value as Record<string, unknown>[]) : [];

const request = (url: string, init: RequestInit) =>
  fetch(url, { credentials: "omit", referrerPolicy: "no-referrer", ...init });

/** A server that fails may answer later. */
function failure({ status }: Response): Error {
  const Failure = status === 429 ? TooSlow : status >= 500 ? TypeError : Refused;
  return new Failure(`HTTP ${status}`);
}
