import * as z from "zod";
import { parseBbox } from "../../geo";
import { isCondition } from "../../sql-lexer";
import { parseJson } from "../../values";
import { encodingOfLabel } from "./formats/decoder";
import type { ImportOptions } from "./imports";
import { Reading } from "./reading";
import { COLLISION_STRATEGIES, PRIVACIES } from "./record";

/** A parameter as text. If it is repeated, the last value counts; JSON bodies may contain numbers and booleans. */
const text = z
  .union([z.string(), z.number(), z.boolean(), z.array(z.unknown()), z.null()])
  .transform((value) => {
    const last = Array.isArray(value) ? value.at(-1) : value;
    return last === null || last === undefined ? "" : String(last);
  })
  .optional();

/** True for any text except `false`. */
const onUnlessFalse = text.transform((value) => value !== "false");
const offUnlessTrue = text.transform((value) => value === "true");

const oneOf = <const T extends string>(name: string, values: readonly T[]) =>
  text.transform((value, context): T | null => {
    if (!value) return null;
    const found = values.find((allowed) => allowed === value);
    if (found === undefined) {
      context.addIssue({
        code: "custom",
        message: `${name} must be ${values.join(" or ")}, not "${value.slice(0, 50)}"`,
      });
      return z.NEVER;
    }
    return found;
  });

function refused(context: z.RefinementCtx, message: string): never {
  context.addIssue({ code: "custom", message });
  return z.NEVER;
}

const numberOf = (name: string, { min, max }: { min: number; max: number }) =>
  text.transform((value, context) => {
    if (!value) return undefined;
    const number = /^\d+$/.test(value) ? Number(value) : -1;
    return number >= min && number <= max
      ? number
      : refused(context, `${name} must be a whole number from ${min} to ${max}`);
  });

/** One value, which counts as a name; or a JSON array, or a repeated parameter. */
const listOf = (name: string) =>
  z
    .unknown()
    .optional()
    .transform((value, context): (string | number)[] | undefined => {
      if (value === undefined || value === null || value === "") return undefined;
      const parsed = typeof value === "string" && value.startsWith("[") ? parseJson(value) : undefined;
      const items = z.array(z.union([z.string(), z.number()])).safeParse(parsed ?? [value].flat());
      return items.success && items.data.length > 0
        ? items.data
        : refused(context, `${name} must be a name or a JSON array`);
    });

/** Parameters of `POST /api/v1/imports`, from its URL, form or JSON body. */
export const ImportRequest = z.object({
  url: text,
  connector: z.unknown().optional(),
  remote_visualization_id: text,
  sql: text,
  table_copy: text,
  table_name: text,
  type_guessing: onUnlessFalse,
  quoted_fields_guessing: onUnlessFalse,
  content_guessing: offUnlessTrue,
  create_vis: offUnlessTrue,
  collision_strategy: oneOf("collision_strategy", COLLISION_STRATEGIES),
  privacy: oneOf("privacy", PRIVACIES),
  layer: listOf("layer").pipe(Reading.shape.layer),
  encoding: text.transform((value, context) => {
    if (!value) return undefined;
    if (encodingOfLabel(value) !== undefined) return value;
    return refused(
      context,
      `No encoding is named "${value.slice(0, 50)}". Examples: utf-8, windows-1252, iso-8859-2, shift_jis, gbk, cp437.`,
    );
  }),
  srid: numberOf("srid", { min: 1, max: 998_999 }),
  columns: listOf("columns").transform((names) => names?.map(String)),
  where: text.transform((value, context) => {
    if (!value) return undefined;
    return isCondition(value) ? value : refused(context, "where must be one SQL condition");
  }),
  bbox: text.transform((value, context) => {
    if (!value) return undefined;
    const bbox = parseBbox(value.split(",").map(Number));
    return bbox ?? refused(context, "bbox must be west,south,east,north in degrees");
  }),
  limit: numberOf("limit", { min: 0, max: Number.MAX_SAFE_INTEGER }),
});
export type ImportRequest = z.infer<typeof ImportRequest>;

export function importOptions(request: ImportRequest): ImportOptions {
  return {
    typeGuessing: request.type_guessing,
    quotedFieldsGuessing: request.quoted_fields_guessing,
    contentGuessing: request.content_guessing,
    createVisualization: request.create_vis,
    collisionStrategy: request.collision_strategy,
    privacy: request.privacy,
    reading: readingOf(request),
  };
}

function readingOf({ layer, encoding, srid, columns, where, bbox, limit }: ImportRequest): Reading {
  return { layer, encoding, srid, columns, where, bbox, limit };
}
