import { CartoError } from "../errors";

/** The bytes of a COPY do not match PostgreSQL's binary format or the announced columns. */
export class CopyFormatError extends CartoError {
  override name = "CopyFormatError";
}

/** danfojs-node is missing or cannot be loaded. */
export class DanfoMissingError extends CartoError {
  override name = "DanfoMissingError";
}
