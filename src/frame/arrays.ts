/** PostgreSQL's binary arrays: https://github.com/postgres/postgres/blob/REL_16_STABLE/src/backend/utils/adt/arrayfuncs.c (array_send) */
import { type Batch, type Built, ObjectBuilder } from "./builder";
import type { Pace } from "./pace";
import { asTextWarning } from "./times";
import type { Field } from "./types";

const HEAD_BYTES = 12; // dimensions, has-NULL flag, element type
const DIMENSION_BYTES = 8; // size, lower bound
const MAX_DIMENSIONS = 6;

/** Reads one element; returns undefined for bytes that are not one. */
export type ElementReader = (batch: Batch, at: number, end: number) => unknown;

/** Reads an array as nested JavaScript arrays; returns undefined if the bytes are not exactly one array. */
function readArray(batch: Batch, at: number, end: number, readElement: ElementReader): unknown[] | undefined {
  const { view } = batch;
  if (end - at < HEAD_BYTES) return undefined;
  const dimensions = view.getInt32(at);
  if (dimensions === 0) return end - at === HEAD_BYTES ? [] : undefined;
  const first = at + HEAD_BYTES + dimensions * DIMENSION_BYTES;
  if (dimensions < 0 || dimensions > MAX_DIMENSIONS || first > end) return undefined;
  const sizes: number[] = [];
  let elements = 1;
  for (let dimension = 0; dimension < dimensions; dimension++) {
    const size = view.getInt32(at + HEAD_BYTES + dimension * DIMENSION_BYTES);
    elements *= size;
    // An element takes at least four bytes, so a false size is refused before anything is allocated for it.
    if (size <= 0 || elements * 4 > end - first) return undefined;
    sizes.push(size);
  }
  const flat = readElements(batch, first, end, elements, readElement);
  return flat && nest(flat, sizes);
}

function readElements(batch: Batch, first: number, end: number, count: number, readElement: ElementReader) {
  const flat: unknown[] = [];
  let at = first;
  for (let element = 0; element < count; element++) {
    if (at + 4 > end) return undefined;
    const bytes = batch.view.getInt32(at);
    at += 4;
    if (bytes === -1) flat.push(null);
    else {
      if (bytes < 0 || at + bytes > end) return undefined;
      const value = readElement(batch, at, at + bytes);
      if (value === undefined) return undefined;
      flat.push(value);
      at += bytes;
    }
  }
  return at === end ? flat : undefined;
}

function nest(flat: unknown[], sizes: readonly number[]): unknown[] {
  let nested = flat;
  for (const size of sizes.slice(1).reverse()) {
    nested = Array.from({ length: nested.length / size }, (_, i) => nested.slice(i * size, (i + 1) * size));
  }
  return nested;
}

/** An element that may not fit into a JavaScript value: the value, null if it does not fit, and PostgreSQL's text. */
export class Precise {
  constructor(
    readonly value: number | Date | null,
    readonly text: string,
  ) {}
}

/** Arrays. If one element of the column does not fit into a JavaScript value, all elements become texts. */
export class ArrayBuilder extends ObjectBuilder {
  readonly #why: string;
  constructor(field: Field, readElement: ElementReader, why: string) {
    super(field, (batch, at, end) => readArray(batch, at, end, readElement));
    this.#why = why;
  }

  override async finish(pace: Pace): Promise<Built> {
    const fits = await this.#settle(pace, ({ value }) => value);
    if (!fits) await this.#settle(pace, ({ text }) => text);
    const { column } = await super.finish(pace);
    return fits ? { column } : { column, warning: asTextWarning(this.field, this.#why) };
  }

  /** Replaces every `Precise` by a plain value. Returns false and replaces nothing if one of them has none. */
  async #settle(pace: Pace, plain: (element: Precise) => unknown): Promise<boolean> {
    for (const array of this.values) {
      if (pace.due()) await pace.pause();
      if (array !== null && !fitsAll(array as unknown[], plain)) return false;
    }
    for (const array of this.values) {
      if (pace.due()) await pace.pause();
      if (array !== null) replaceAll(array as unknown[], plain);
    }
    return true;
  }
}

function fitsAll(array: readonly unknown[], plain: (element: Precise) => unknown): boolean {
  return array.every((element) => {
    if (Array.isArray(element)) return fitsAll(element, plain);
    return !(element instanceof Precise) || plain(element) !== null;
  });
}

function replaceAll(array: unknown[], plain: (element: Precise) => unknown): void {
  for (const [i, element] of array.entries()) {
    if (Array.isArray(element)) replaceAll(element, plain);
    else if (element instanceof Precise) array[i] = plain(element);
  }
}
