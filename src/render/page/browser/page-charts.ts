/** Draws the charts of a figure: Vega, which figures without charts do not need. */
import { VegaChart } from "./figure/chart";

window.makeChart = (place, datasets, element) => VegaChart.draw(place, datasets, element);
