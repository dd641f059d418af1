/** Calls a function with the last position of the pointer over an element, at most once per frame, unless it has left. */
export function onPointerMove(element: HTMLElement, listener: (event: PointerEvent) => void): void {
  let next: PointerEvent | undefined;
  element.addEventListener("pointermove", (event) => {
    if (next === undefined)
      requestAnimationFrame(() => {
        const latest = next;
        next = undefined;
        if (latest) listener(latest);
      });
    next = event;
  });
  element.addEventListener("pointerleave", () => {
    next = undefined;
  });
}
