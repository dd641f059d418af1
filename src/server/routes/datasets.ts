import type { FastifyInstance, FastifyRequest } from "fastify";
import { DatasetChangesRequest, DatasetListRequest } from "../../api/schemas/datasets";
import { normalizeTableName } from "../../frame/names";
import { LOCAL_USER } from "../../local/home";
import { changeDataset, type Dataset, describeDataset, dropDataset, listDatasets } from "../datasets";
import { DatabaseError, type Engine } from "../engine/engine";
import { LOCAL_USER_ID, Refusal } from "../guard";
import { acceptEmptyJson, parameters } from "./parameters";

/**
 * Serves `/api/v1/viz`, the datasets as CARTO's own web pages read them, and `/api/v1/tables/{id}`, which clients read
 * after an import. Requests for maps get an empty list.
 */
export function datasetRoutes(app: FastifyInstance, engine: Engine): void {
  const found = async (request: FastifyRequest): Promise<Dataset> => {
    const { id } = request.params as { id: string };
    const dataset = await describeDataset(engine, id);
    if (!dataset) throw refusal(404, `No dataset has the id or name ${id}`);
    return dataset;
  };
  const list = async (request: FastifyRequest) => {
    const { type, types, page, per_page, order, order_direction, q, privacy } = parsed(
      DatasetListRequest,
      parameters(request),
    );
    const wanted = [...(type ? [type] : []), ...types];
    if (wanted.length > 0 && !wanted.includes("table")) return listAnswer([], 0);
    const descending = order_direction === undefined ? order !== "name" : order_direction === "desc";
    const { datasets, total } = await listDatasets(engine, {
      page,
      perPage: per_page,
      order,
      descending,
      text: q,
      privacy,
    });
    return listAnswer(datasets.map(visualization), total);
  };
  const change = async (request: FastifyRequest) => {
    const dataset = await found(request);
    const { privacy, name, description } = parsed(DatasetChangesRequest, request.body ?? {});
    const isRenamed = name !== undefined && name !== dataset.name;
    const changes = { privacy, description, ...(isRenamed && { name: normalizeTableName(name) }) };
    await changeDataset(engine, dataset, changes).catch(refuse);
    return visualization((await describeDataset(engine, dataset.id)) ?? dataset);
  };
  const config = { access: "key may be in the body" } as const;
  app.register(async (scope) => {
    acceptEmptyJson(scope);
    for (const prefix of ["", "/user/:user", "/u/:user"]) {
      const all = `${prefix}/api/:version/viz`;
      scope.get(all, list);
      scope.get(`${all}/:id`, async (request) => visualization(await found(request)));
      scope.put(`${all}/:id`, { config }, change);
      scope.delete(`${all}/:id`, { config }, async (request, reply) => {
        await dropDataset(engine, await found(request)).catch(refuse);
        return reply.code(204).send();
      });
      scope.get(`${prefix}/api/:version/tables/:id`, async (request) => table(await found(request)));
    }
  });
}

/** Refuses a request for both kinds of clients: those of the SQL API read `error`, CARTO's web pages `errors`. */
function refusal(status: number, message: string): Refusal {
  return new Refusal(status, message, { error: [message], errors: [message] });
}

function refuse(error: unknown): never {
  if (error instanceof DatabaseError) throw refusal(400, error.message);
  throw error;
}

type Schema<T> = {
  safeParse(
    value: unknown,
  ): { success: true; data: T } | { success: false; error: { issues: { message: string }[] } };
};

function parsed<T>(schema: Schema<T>, value: unknown): T {
  const result = schema.safeParse(value);
  if (!result.success) throw refusal(400, result.error.issues[0]?.message ?? "Invalid parameters");
  return result.data;
}

function listAnswer(visualizations: object[], total: number): object {
  return {
    visualizations,
    total_entries: total,
    total_user_entries: total,
    total_likes: 0,
    total_shared: 0,
  };
}

function visualization(dataset: Dataset): object {
  const { id, name, privacy, description, createdAt, updatedAt } = dataset;
  return {
    id,
    name,
    display_name: name,
    type: "table",
    kind: "geom",
    privacy,
    description,
    tags: [],
    map_id: null,
    active_layer_id: null,
    locked: false,
    likes: 0,
    liked: false,
    created_at: createdAt,
    updated_at: updatedAt,
    user: { id: LOCAL_USER_ID, username: LOCAL_USER },
    permission: { owner: { id: LOCAL_USER_ID, username: LOCAL_USER }, acl: [] },
    synchronization: null,
    table: tableMembers(dataset),
  };
}

function table(dataset: Dataset): object {
  const { id, name, privacy, description, createdAt, updatedAt, rowCount, sizeBytes } = dataset;
  return {
    ...tableMembers(dataset),
    description,
    created_at: createdAt,
    rows_counted: rowCount,
    table_size: sizeBytes,
    table_visualization: { id, name, type: "table", privacy, created_at: createdAt, updated_at: updatedAt },
  };
}

function tableMembers({ id, name, privacy, updatedAt, rowCount, sizeBytes, geometryTypes }: Dataset) {
  return {
    id,
    name,
    privacy,
    updated_at: updatedAt,
    row_count: rowCount,
    size: sizeBytes,
    geometry_types: geometryTypes,
  };
}
