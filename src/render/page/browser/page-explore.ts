/** The program of pages with widgets. */
import { Explorer } from "../../explore/explorer";
import { paintTogether } from "../../painter";
import { ExplorePanel } from "./explore/explore";
import { showMap } from "./main";

window.showMap = (unpack) =>
  showMap(unpack, {
    together: paintTogether,
    explore: (scene, element) => new ExplorePanel(new Explorer(scene), element),
  });
