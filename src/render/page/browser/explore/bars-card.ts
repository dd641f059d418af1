import { paintBars, shareOf } from "../../../explore/bars";
import type { StepRange } from "../../../explore/explorer";
import { type BarsLabel, type BarsView, barLabel, rangeLabel, type WidgetView } from "../../../explore/views";
import type { Canvas2D } from "../../../painter/canvas";
import { contextOf } from "../canvas-layer";
import { create } from "../create";
import { type Card, cardOf } from "./widget-card";

/** Distance in CSS pixels within which a pointer takes a handle of the brush. */
const GRAB_PX = { mouse: 6, touch: 16 };
/** A pointer that moves less clicks on a bar. */
const CLICK_PX = 3;

interface BarsOptions {
  readonly theme: "light" | "dark";
  readonly perBar: number;
}

type Handle = "from" | "to";

/**
 * A histogram with a brush, or a slider. Dragging over it chooses a range; dragging an end or the middle of the range changes
 * it; a click chooses a bar, and a click on the only chosen bar, a double click or Esc all of them. The ends are sliders for the
 * keyboard: arrow keys move them by a bar, with Shift by the smallest step.
 */
export class BarsCard implements Card {
  readonly element: HTMLElement;
  readonly #heading: HTMLElement;
  readonly #canvas = create("canvas");
  readonly #context = contextOf(this.#canvas);
  readonly #plot = create("div", { class: "plot", tabindex: "-1" }, this.#canvas);
  readonly #handles: Readonly<Record<Handle, HTMLElement>>;
  readonly #ends = { from: create("span", { dir: "auto" }), to: create("span", { dir: "auto" }) };
  /** What the ends give way to: the range, or the bar under the pointer. */
  readonly #label = create("span", { class: "label", dir: "auto" });
  readonly #below = create("p", { class: "ends" }, this.#ends.from, this.#ends.to, this.#label);
  /** Position of the bar under the pointer. */
  #hovered: number | undefined;
  readonly #options: BarsOptions;
  readonly #choose: (range: StepRange | undefined) => void;
  #view: BarsView | undefined;
  #painted = "";
  /** Ends the gesture that is going on. */
  #stop: (() => void) | undefined;

  constructor(options: BarsOptions, choose: (range: StepRange | undefined) => void) {
    this.#options = options;
    this.#choose = choose;
    const { element, heading } = cardOf("bars");
    this.#handles = { from: this.#handle("from"), to: this.#handle("to") };
    this.#plot.append(this.#handles.from, this.#handles.to);
    element.append(this.#plot, this.#below);
    this.element = element;
    this.#heading = heading;
    this.#plot.addEventListener("pointerdown", (event) => this.#start(event));
    this.#plot.addEventListener("dblclick", () => this.#choose(undefined));
    this.#plot.addEventListener("pointermove", (event) => this.#hover(event));
    this.#plot.addEventListener("pointerleave", () => this.#hover(undefined));
    element.addEventListener("keydown", (event) => {
      if (event.key !== "Escape" || !(this.#view?.range || this.#stop)) return;
      event.stopPropagation();
      this.#stop?.();
      this.#choose(undefined);
    });
    new ResizeObserver(() => this.#paint()).observe(this.#plot);
  }

  show(view: WidgetView): void {
    if (view.kind !== "bars") return;
    this.#view = view;
    this.#heading.textContent = view.title;
    this.element.classList.toggle("slider", !view.bars);
    this.#ends.from.textContent = view.from;
    this.#ends.to.textContent = view.to;
    const [left, right] = shareOf(view.range, view.steps);
    const [from, to] = view.range ?? [1, view.steps];
    this.#place("from", left, from, view.from);
    this.#place("to", right, to, view.to);
    this.#plot.classList.toggle("chosen", view.range !== undefined);
    this.#write();
    this.#paint();
  }

  /** Reads the bar under a mouse without a pressed button; a finger covers the bars. */
  #hover(event: PointerEvent | undefined): void {
    const isReading = event?.pointerType === "mouse" && event.buttons === 0 && this.#view?.bars;
    this.#hovered = isReading
      ? Math.floor((this.#stepAt(event.clientX) - 1) / this.#options.perBar)
      : undefined;
    this.#write();
  }

  #write(): void {
    const view = this.#view;
    if (!view) return;
    const label: BarsLabel | undefined =
      this.#hovered === undefined ? rangeLabel(view) : barLabel(view, this.#hovered, this.#options.perBar);
    this.#below.classList.toggle("labelled", label !== undefined);
    if (!label) return;
    this.#label.textContent = label.text;
    this.#label.style.left = `${100 * label.share}%`;
    this.#label.style.transform = `translateX(${-100 * label.share}%)`;
  }

  #place(handle: Handle, share: number, step: number, text: string): void {
    const element = this.#handles[handle];
    const { steps = 1, title = "" } = this.#view ?? {};
    element.style.left = `${100 * share}%`;
    element.setAttribute("aria-label", `${title}, ${handle === "from" ? "from" : "to"}`);
    element.setAttribute("aria-valuemin", "1");
    element.setAttribute("aria-valuemax", String(steps));
    element.setAttribute("aria-valuenow", String(step));
    element.setAttribute("aria-valuetext", text);
  }

  #paint(): void {
    const view = this.#view;
    const { clientWidth, clientHeight } = this.#plot;
    if (!view || clientWidth === 0) return;
    const ratio = window.devicePixelRatio;
    const key = JSON.stringify([view.bars, view.range, clientWidth, ratio]);
    if (key === this.#painted) return;
    this.#painted = key;
    const [width, height] = [Math.round(clientWidth * ratio), Math.round(clientHeight * ratio)];
    this.#canvas.width = width;
    this.#canvas.height = height;
    this.#context.scale(ratio, ratio);
    const place = { x: 0, y: 0, width: clientWidth, height: clientHeight - (view.bars ? 1 : 0) };
    paintBars(this.#context as unknown as Canvas2D, view, place, this.#options.theme);
  }

  /** Returns the step at a position of the pointer: 1 is the first one. */
  #stepAt(clientX: number): number {
    const { left, width } = this.#plot.getBoundingClientRect();
    const { steps = 1 } = this.#view ?? {};
    return clamp(Math.floor(((clientX - left) / width) * steps) + 1, 1, steps);
  }

  #start(event: PointerEvent): void {
    const view = this.#view;
    if (!view || event.button !== 0 || !event.isPrimary) return;
    this.#stop?.();
    event.preventDefault();
    this.#plot.setPointerCapture(event.pointerId);
    this.#plot.focus({ preventScroll: true }); // so that Esc ends the gesture, or removes the filter
    const move = this.#gesture(view, event);
    let hasMoved = false;
    const { pointerId } = event;
    const moved = (next: PointerEvent) => {
      if (next.pointerId !== pointerId) return;
      hasMoved ||= Math.abs(next.clientX - event.clientX) >= CLICK_PX;
      if (hasMoved) this.#set(move(this.#stepAt(next.clientX)));
    };
    const stop = () => {
      this.#stop = undefined;
      this.#plot.removeEventListener("pointermove", moved);
      this.#plot.removeEventListener("pointerup", end);
      this.#plot.removeEventListener("lostpointercapture", end);
    };
    const end = (next: PointerEvent) => {
      if (next.pointerId !== pointerId) return;
      stop();
      if (!hasMoved && next.type === "pointerup") this.#click(view, this.#stepAt(event.clientX));
    };
    this.#stop = stop;
    this.#plot.addEventListener("pointermove", moved);
    this.#plot.addEventListener("pointerup", end);
    this.#plot.addEventListener("lostpointercapture", end);
  }

  /** Returns the range while the pointer moves: an end moves, the range moves as a whole, or a new range begins. */
  #gesture(
    { range, steps, bars }: BarsView,
    { clientX, pointerType }: PointerEvent,
  ): (step: number) => StepRange {
    const { left, width } = this.#plot.getBoundingClientRect();
    const [from, to] = range ?? [1, steps];
    const [leftShare, rightShare] = shareOf(range, steps);
    const reach = pointerType === "touch" ? GRAB_PX.touch : GRAB_PX.mouse;
    const distanceTo = (share: number) => Math.abs(left + share * width - clientX);
    const start = this.#stepAt(clientX);
    // a slider has a range from the start: its nearest end follows the pointer
    const nearest = distanceTo(leftShare) < distanceTo(rightShare) ? "from" : "to";
    const isNear = Math.min(distanceTo(leftShare), distanceTo(rightShare)) <= reach;
    if ((range && isNear) || (!bars && (isNear || !range)))
      return (step) => ordered(step, nearest === "from" ? to : from);
    if (range && start > from && start < to)
      return (step) => {
        const shift = clamp(step - start, 1 - from, steps - to);
        return [from + shift, to + shift];
      };
    return (step) => ordered(start, step);
  }

  #click({ range, bars, steps }: BarsView, step: number): void {
    if (!bars) return;
    const { perBar } = this.#options;
    const first = Math.floor((step - 1) / perBar) * perBar + 1;
    const bar: StepRange = [first, Math.min(steps, first + perBar - 1)];
    const isOnly = range && range[0] === bar[0] && range[1] === bar[1];
    this.#set(isOnly ? undefined : bar);
  }

  #set(range: StepRange | undefined): void {
    const { steps = 1 } = this.#view ?? {};
    const isAll = range && range[0] <= 1 && range[1] >= steps;
    const chosen = isAll ? undefined : range;
    if (this.#view) this.#view = { ...this.#view, range: chosen }; // the next key may come before the next frame
    this.#choose(chosen);
  }

  #handle(which: Handle): HTMLElement {
    const element = create("span", { class: `handle ${which}`, role: "slider", tabindex: "0" });
    element.addEventListener("keydown", (event) => {
      const view = this.#view;
      if (!view) return;
      const [from, to] = view.range ?? [1, view.steps];
      const by = event.shiftKey ? 1 : this.#options.perBar;
      const now = which === "from" ? from : to;
      const next = {
        ArrowLeft: now - by,
        ArrowDown: now - by,
        ArrowRight: now + by,
        ArrowUp: now + by,
        PageDown: now - 5 * by,
        PageUp: now + 5 * by,
        Home: which === "from" ? 1 : from,
        End: which === "from" ? to : view.steps,
      }[event.key];
      if (next === undefined) return;
      event.preventDefault();
      event.stopPropagation();
      this.#set(which === "from" ? [clamp(next, 1, to), to] : [from, clamp(next, from, view.steps)]);
    });
    return element;
  }
}

const clamp = (value: number, least: number, most: number) => Math.max(least, Math.min(most, value));
const ordered = (a: number, b: number): StepRange => (a < b ? [a, b] : [b, a]);
