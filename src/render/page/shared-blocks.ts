/** Blocks of data that the maps of a figure have in common: the page of the figure has each of them once. */

/** Stands for a block in the page of a map. */
const PLACE = /<!--([\w-]+) is ([\w-]+)-->/g;

export const block = (id: string, base64: string): string =>
  `<script type="text/plain" id="${id}">${base64}</script>`;

export class SharedBlocks {
  readonly #ids = new Map<string, string>();

  /** Keeps a block for the page of the figure, and returns its place in the page of a map. */
  readonly place = (id: string, base64: string): string => {
    const shared = this.#ids.get(base64) ?? `block-${this.#ids.size}`;
    this.#ids.set(base64, shared);
    return `<!--${id} is ${shared}-->`;
  };

  /** The blocks for the page of the figure. */
  get all(): string[] {
    return Array.from(this.#ids, ([base64, id]) => block(id, base64));
  }
}

/** Puts the blocks into the page of a map. */
export const withBlocks = (page: string, contentOf: (shared: string) => string): string =>
  page.replace(PLACE, (_, id: string, shared: string) => block(id, contentOf(shared)));
