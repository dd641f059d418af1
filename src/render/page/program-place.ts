/** Stands for the program in the page of a map in a figure, which has one program for all its maps. */
export const PROGRAM_PLACE = "<!--program-->";
