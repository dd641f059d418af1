/** A divider between two maps on top of each other: it shows the left one to its left, and the right one to its right. */
import type { FigureLayout } from "../../figure-layout";
import { create } from "../create";

/** A press of an arrow key moves the divider by so many percent. */
const KEY_STEP = 2;

export function addDivider(cells: HTMLElement, { left, right }: NonNullable<FigureLayout["compare"]>): void {
  const handle = create("div", {
    class: "divider",
    role: "slider",
    tabindex: "0",
    "aria-label": `Divider between ${left} and ${right}`,
    "aria-orientation": "horizontal",
    "aria-valuemin": "0",
    "aria-valuemax": "100",
  });
  const captions = [left, right].map((text, i) =>
    create(
      "span",
      { class: `caption ${i === 0 ? "left" : "right"}`, dir: "auto", "aria-hidden": "true" },
      text,
    ),
  );
  handle.append(...captions, create("i"));
  cells.append(handle);
  let at = 50;
  const move = (to: number) => {
    at = Math.min(100, Math.max(0, to));
    cells.style.setProperty("--divider", `${at}%`);
    handle.setAttribute("aria-valuenow", String(Math.round(at)));
    handle.setAttribute("aria-valuetext", `${Math.round(at)} % ${left}`);
  };
  move(at);
  handle.addEventListener("pointerdown", (event) => {
    handle.setPointerCapture(event.pointerId);
    event.preventDefault(); // no text is selected
    handle.focus();
  });
  handle.addEventListener("pointermove", ({ pointerId, clientX }) => {
    if (!handle.hasPointerCapture(pointerId)) return;
    const box = cells.getBoundingClientRect();
    move((100 * (clientX - box.left)) / box.width);
  });
  handle.addEventListener("keydown", (event) => {
    const to = { ArrowLeft: at - KEY_STEP, ArrowRight: at + KEY_STEP, Home: 0, End: 100 }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    move(to);
  });
}
