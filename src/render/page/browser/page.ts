/** The program of most pages. */
import { showMap } from "./main";

window.showMap = showMap;
