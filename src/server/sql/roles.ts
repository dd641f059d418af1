import { createHash } from "node:crypto";
import type { Role } from "../engine/engine";
import LOCAL_ROLES_SQL from "./roles.sql";

export { LOCAL_ROLES_SQL };

/** The comment on the role `carto` if exactly these roles and rights are installed. */
export const LOCAL_ROLES_VERSION = `cartoframes, ${createHash("sha256").update(LOCAL_ROLES_SQL).digest("hex").slice(0, 16)}`;

const NAMES = new Map<Role, string>([
  ["master", "carto"],
  ["public", "publicuser"],
]);

/** Returns the role that runs a statement on the embedded database, whose session belongs to a superuser. */
export function roleName(role: Role): string {
  return NAMES.get(role) ?? role;
}

/** Returns the variant of the role that may also read and write the spool files of COPY. */
export function copyRoleName(role: Role): string {
  return `${roleName(role)}_copy`;
}
