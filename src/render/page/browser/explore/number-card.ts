import type { WidgetView } from "../../../explore/views";
import { create } from "../create";
import { type Card, cardOf } from "./widget-card";

/** Shows one number, or that there is none. */
export class NumberCard implements Card {
  readonly element: HTMLElement;
  readonly #heading: HTMLElement;
  readonly #output = create("output");

  constructor(view: WidgetView) {
    const { element, heading } = cardOf(view.kind);
    element.append(this.#output);
    this.element = element;
    this.#heading = heading;
    this.show(view);
  }

  show(view: WidgetView): void {
    this.#heading.textContent = view.title;
    if (view.kind === "number") this.#output.textContent = view.text;
    if (view.kind === "absent")
      this.#output.textContent = "The page has too few of the layer's points to count them.";
  }
}
