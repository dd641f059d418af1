import type L from "leaflet";

const HINT_MS = 1500;
const MODIFIER = /Mac|iP(hone|ad|od)/.test(navigator.platform) ? "⌘" : "Ctrl";

/**
 * Lets the page around the map scroll. The wheel scrolls it until the reader clicks the map; then it zooms until the
 * pointer leaves. With Ctrl or ⌘ it always zooms, as does a pinch on a touchpad, which browsers report as Ctrl. One finger
 * scrolls the page, two move the map. In full screen, there is no page to scroll.
 */
export function shareGestures(map: L.Map): void {
  const element = map.getContainer();
  const showHint = hintOn(element);
  const isAlone = () => document.fullscreenElement !== null;
  let active = false;
  element.addEventListener(
    "pointerdown",
    ({ pointerType }) => {
      active = pointerType !== "touch";
      showHint(undefined);
      if (active || isAlone()) map.dragging.enable();
      else map.dragging.disable();
    },
    { capture: true },
  );
  element.addEventListener("pointerleave", () => {
    active = false;
  });
  element.addEventListener(
    "wheel",
    (event) => {
      if (active || event.ctrlKey || event.metaKey || isAlone()) return showHint(undefined);
      event.stopPropagation(); // or the map would zoom instead of letting the page scroll
      if (isOnMap(event)) showHint(`Click the map or hold ${MODIFIER} to zoom with the wheel`);
    },
    { capture: true, passive: true },
  );
  element.addEventListener(
    "touchmove",
    (event) => {
      if (event.touches.length > 1 || isAlone()) showHint(undefined);
      else if (isOnMap(event)) showHint("Use two fingers to move the map");
    },
    { passive: true },
  );
  const shareTouch = () => element.classList.toggle("shares-touch", !isAlone());
  document.addEventListener("fullscreenchange", shareTouch);
  shareTouch();
}

const isOnMap = ({ target }: Event) =>
  !(target as Element).closest(".legend, .popup, .time, .layers, .search");

/** Returns a function that shows a sentence over the map for a moment, or hides it. */
function hintOn(element: HTMLElement): (text: string | undefined) => void {
  const hint = document.createElement("p");
  hint.className = "hint";
  element.append(hint);
  let hiding: ReturnType<typeof setTimeout> | undefined;
  return (text) => {
    clearTimeout(hiding);
    hint.classList.toggle("shown", text !== undefined);
    if (text === undefined) return;
    hint.textContent = text;
    hiding = setTimeout(() => hint.classList.remove("shown"), HINT_MS);
  };
}
