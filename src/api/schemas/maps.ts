import * as z from "zod";

/** A named map, of which the rest is checked when it is used. Members that are not listed are kept. */
export const NamedMap = z.looseObject({
  version: z.literal("0.0.1", { error: "Unsupported template version" }),
  name: z.string({ error: "Missing template name" }),
  auth: z.unknown().optional(),
  placeholders: z.record(z.string(), z.unknown()).default({}),
  layergroup: z.looseObject({ layers: z.array(z.unknown()) }),
});
export type NamedMap = z.infer<typeof NamedMap>;

/** The answer to a map that is kept. */
export const NamedMapCreated = z.object({ template_id: z.string() });

const TokenAuth = z.object({ method: z.literal("token"), valid_tokens: z.array(z.string()).min(1) });

/** A named map as a server has kept it. */
export const NamedMapResponse = z.object({
  template: z.object({
    /** Absent for a map that everybody may see. */
    auth: TokenAuth.optional().catch(undefined),
    layergroup: z.unknown(),
  }),
});
export type NamedMapResponse = z.infer<typeof NamedMapResponse>;

/** The answer to an instantiation, as far as it says that there is a map. */
export const MapResponse = z.object({ layergroupid: z.string() });
