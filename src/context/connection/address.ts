import { databaseAddress, isDatabaseUrl, shownDatabase } from "../../local/database";

/** Address with credentials removed, safe to print. */
export function shownUrl(address: unknown): string {
  if (typeof address !== "string") return "?";
  if (address.startsWith("local:")) return address;
  if (isDatabaseUrl(address)) return shownDatabaseUrl(address);
  const url = URL.canParse(address) ? new URL(address) : undefined;
  return url?.host ? `${url.protocol}//${url.host}${url.pathname.replace(/\/+$/, "")}` : "?";
}

function shownDatabaseUrl(url: string): string {
  try {
    return shownDatabase(databaseAddress(url));
  } catch {
    return "?"; // the first call says what is wrong
  }
}
