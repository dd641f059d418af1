/** Outputs, progress and interrupts in a notebook. Knows Jupyter and danfo's frames, but not CARTO, HTTP or maps. */
export { installNotebookSupport, JUPYTER_DISPLAY, JUPYTER_METADATA, show } from "./hooks";
export { InterruptedError, withInterrupt } from "./interrupt";
export { type Progress, type ProgressState, progress } from "./progress";
export { type Display, type DisplayOptions, display, insideKernel, type MimeBundle } from "./tslab";
