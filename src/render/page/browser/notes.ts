import L from "leaflet";

/** What is not in the page, in words. */
export function noteControl(notes: readonly string[]): L.Control {
  const control = new L.Control({ position: "bottomleft" });
  control.onAdd = () => {
    const box = L.DomUtil.create("div", "notes");
    box.textContent = notes.join(" ");
    return box;
  };
  return control;
}
