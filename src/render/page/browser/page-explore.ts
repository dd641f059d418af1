/** The program of pages with widgets. */
import { paintTogether } from "../../painter";
import { ExplorePanel } from "./explore/explore";
import { showMap } from "./main";

window.showMap = (unpack) =>
  showMap(unpack, {
    together: paintTogether,
    explore: (pageScene, element) => new ExplorePanel(pageScene, element),
  });
