import type L from "leaflet";

const HINT_MS = 1500;
const MODIFIER = /Mac|iP(hone|ad|od)/.test(navigator.platform) ? "⌘" : "Ctrl";

/**
 * The wheel scrolls the notebook, as everywhere in it, until somebody clicks into the map; then it zooms until the
 * pointer leaves. With Ctrl or ⌘ it always zooms, and so does a pinch on a touchpad, which browsers report as Ctrl.
 */
export function wheelOnRequest(map: L.Map): void {
  const element = map.getContainer();
  let active = false;
  const hint = document.createElement("p");
  hint.className = "hint";
  hint.textContent = `Click, or hold ${MODIFIER}, to zoom with the wheel`;
  element.append(hint);
  let hiding: ReturnType<typeof setTimeout> | undefined;
  const showHint = (shown: boolean) => {
    clearTimeout(hiding);
    hint.classList.toggle("shown", shown);
    if (shown) hiding = setTimeout(showHint, HINT_MS, false);
  };

  element.addEventListener("pointerdown", () => {
    active = true;
    showHint(false);
  });
  element.addEventListener("pointerleave", () => {
    active = false;
  });
  element.addEventListener(
    "wheel",
    (event) => {
      if (active || event.ctrlKey || event.metaKey) return showHint(false);
      event.stopPropagation(); // Leaflet would zoom and keep the notebook from scrolling
      if (!(event.target as Element).closest(".legend, .leaflet-popup")) showHint(true);
    },
    { capture: true, passive: true },
  );
}
