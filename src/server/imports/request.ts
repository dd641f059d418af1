import * as z from "zod";
import type { ImportOptions } from "./imports";
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
  };
}
