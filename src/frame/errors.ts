import { CartoError } from "../errors";

/** The bytes of a COPY are not what PostgreSQL's binary format or the announced columns say. */
export class CopyFormatError extends CartoError {
  override name = "CopyFormatError";
}
