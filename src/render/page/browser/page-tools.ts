/** The program of pages with a search box or a tool that measures, which also have all other parts. */
import { paintTogether } from "../../painter";
import { ExplorePanel } from "./explore/explore";
import { showMap } from "./main";
import { addTools } from "./tools/tools";

window.showMap = (unpack) =>
  showMap(unpack, {
    together: paintTogether,
    explore: (pageScene, element, links) =>
      pageScene.scene.widgets ? new ExplorePanel(pageScene, element, links) : undefined,
    tools: addTools,
  });
