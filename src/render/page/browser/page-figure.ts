/** The program of figures with live maps and charts. */
import { showFigure } from "./figure/figure";

window.showMap = showFigure;
