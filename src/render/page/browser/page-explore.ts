/** The program of pages with widgets, and of maps that are linked with other views of a figure. */
import { paintTogether } from "../../painter";
import { ExplorePanel } from "./explore/explore";
import { showMap } from "./main";

window.showMap = (unpack) =>
  showMap(unpack, {
    together: paintTogether,
    explore: (pageScene, element, links) => new ExplorePanel(pageScene, element, links),
  });
