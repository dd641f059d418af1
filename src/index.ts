import { CartoContext } from "./context/carto-context";
import { installNotebookSupport } from "./kernel/hooks";

export type { DataFrame, Series } from "danfojs-node";
export { CartoContext } from "./context/carto-context";
export type { ContextOptions } from "./context/endpoint";
export type { ReadOptions } from "./context/read";
export type { WriteOptions } from "./context/write";
export {
  AuthenticationError,
  CartoError,
  InvalidArgumentError,
  ServerError,
  SqlError,
  TableExistsError,
  TableNotFoundError,
  TimeoutError,
} from "./errors";

installNotebookSupport();

/**
 * The ready-made context: `CARTO_BASE_URL` and `CARTO_API_KEY` of the environment if set, else the embedded
 * local server, which the first call starts.
 */
export const cc: CartoContext = new CartoContext();
