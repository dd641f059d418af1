/** Hides and shows layers; shared by the layer list and the legend. */
export class LayerSwitch {
  readonly #hidden: Set<number>;
  readonly #listeners: (() => void)[] = [];

  /** `hidden` holds the layers that are not painted; it is changed in place. */
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
