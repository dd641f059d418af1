import type { QueryResult } from "./engine";
import type { ResultReader } from "./result-reader";

/** Runs statements in the database whose types are looked up. */
interface Session {
  run(sql: string): Promise<ResultReader>;
}

/** Looks up the names of types by the OIDs in results. Each is looked up once. */
export class TypeNames {
  readonly #names = new Map<number, string>();

  /** Adds type names to the fields of a result; null if the type no longer exists. */
  async resultOf(session: Session, { statements, notices, warnings }: ResultReader): Promise<QueryResult> {
    const oids = new Set(statements.flatMap(({ fields }) => fields?.map((field) => field.typeOid) ?? []));
    await this.#learn(session, oids);
    return {
      statements: statements.map((statement) => ({
        ...statement,
        fields:
          statement.fields?.map((field) => ({
            ...field,
            typeName: this.#names.get(field.typeOid) ?? null,
          })) ?? null,
      })),
      notices,
      warnings,
    };
  }

  async #learn(session: Session, oids: ReadonlySet<number>): Promise<void> {
    const unknown = [...oids].filter((oid) => !this.#names.has(oid));
    if (unknown.length === 0) return;
    const found = await session.run(
      `SELECT oid, typname FROM pg_catalog.pg_type WHERE oid IN (${unknown.join(",")})`,
    );
    for (const [oid, name] of found.statements[0]?.rows ?? []) this.#names.set(Number(oid), name ?? "");
  }
}
