import type { WidgetView } from "../../../explore/views";
import { create } from "../create";

/** A widget in the panel. */
export interface Card {
  readonly element: HTMLElement;
  show(view: WidgetView): void;
}

/** The frame of a widget. Its title is user data and is inserted as text only. */
export function cardOf(kind: string): { readonly element: HTMLElement; readonly heading: HTMLElement } {
  const heading = create("h2", { dir: "auto" });
  return { element: create("section", { class: `widget ${kind}` }, heading), heading };
}
