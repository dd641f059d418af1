/** Hides and shows layers, for the list of layers and the legend alike. */
export class LayerSwitch {
  readonly #hidden: Set<number>;
  readonly #listeners: (() => void)[] = [];

  /** @param hidden the layers that are not painted; changed in place */
  constructor(hidden: Set<number>) {
    this.#hidden = hidden;
  }

  isHidden(layer: number): boolean {
    return this.#hidden.has(layer);
  }

  toggle(layer: number): void {
    if (!this.#hidden.delete(layer)) this.#hidden.add(layer);
    for (const listener of this.#listeners) listener();
  }

  onChange(listener: () => void): void {
    this.#listeners.push(listener);
  }
}
