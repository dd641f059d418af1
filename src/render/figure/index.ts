export { Figure, FigureCell, type FigureOptions, figure, type StillMap } from "./figure";
