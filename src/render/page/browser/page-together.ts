/** The program of pages with heatmaps, cells, clusters or very many points. */
import { paintTogether } from "../../painter";
import { showMap } from "./main";

window.showMap = (unpack) => showMap(unpack, { together: paintTogether });
