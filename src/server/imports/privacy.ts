import { ident, literal } from "../../sql";
import { linkSql } from "../datasets";
import type { PRIVACIES } from "./record";

export type Privacy = (typeof PRIVACIES)[number];

/** Statements that set who may read a table; without a privacy it is the owner alone. */
export function privacySql(table: string, privacy: Privacy | null): string {
  const verb = privacy === null || privacy === "private" ? "REVOKE" : "GRANT";
  const change = `${verb} SELECT ON ${ident(table)} ${verb === "GRANT" ? "TO" : "FROM"} publicuser`;
  // Somebody else's database has no such role, and then nobody else whom it could concern.
  const rights = `DO ${literal(`BEGIN IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'publicuser') THEN ${change}; END IF; END`)}`;
  return `${rights}; ${linkSql(ident(table), privacy === "link")}`;
}
