import type L from "leaflet";

const START = "toolstart";

interface StartEvent extends L.LeafletEvent {
  readonly tool?: object;
}

/** Tells the other tools of a map that one takes over the clicks on it. */
export const startTool = (map: L.Map, tool: object): void => {
  map.fire(START, { tool });
};

/** Calls `stop` when another tool of the map starts. */
export const onOtherTool = (map: L.Map, own: object, stop: () => void): void => {
  map.on(START, (event: L.LeafletEvent) => {
    if ((event as StartEvent).tool !== own) stop();
  });
};
