import { CartoError } from "../errors";

/** The bytes of a COPY do not match PostgreSQL's binary format or the announced columns. */
export class CopyFormatError extends CartoError {
  override name = "CopyFormatError";
}
