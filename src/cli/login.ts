import { CartoContext } from "../context/carto-context";
import { Credentials, type CredentialsOptions } from "../context/connection/credentials";
import { InvalidArgumentError } from "../errors";

/**
 * Asks the account whether the key is good, and saves it for the next time.
 * @returns the file in which it is
 */
export async function login(
  options: Pick<CredentialsOptions, "username" | "baseUrl" | "key">,
): Promise<string> {
  const { key } = options;
  if (key === undefined || key.trim() === "")
    throw new InvalidArgumentError("The key is empty; nothing was saved.");
  const creds = new Credentials({ ...options, key: key.trim() });
  await CartoContext.connect({ creds });
  return creds.save();
}
