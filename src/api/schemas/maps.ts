import * as z from "zod";

/** A named map. Its layers are checked when the map is used; other members are kept. */
export const NamedMap = z.looseObject({
  version: z.literal("0.0.1", { error: "Unsupported template version" }),
  name: z.string({ error: "Missing template name" }),
  auth: z.unknown().optional(),
  placeholders: z.record(z.string(), z.unknown()).default({}),
  layergroup: z.looseObject({ layers: z.array(z.unknown()) }),
});
export type NamedMap = z.infer<typeof NamedMap>;

export const NamedMapCreated = z.object({ template_id: z.string() });

const TokenAuth = z.object({ method: z.literal("token"), valid_tokens: z.array(z.string()).min(1) });

/** A named map as the server stores it. */
export const NamedMapResponse = z.object({
  template: z.object({
    /** Absent for a public map. */
    auth: TokenAuth.optional().catch(undefined),
    layergroup: z.unknown(),
  }),
});
export type NamedMapResponse = z.infer<typeof NamedMapResponse>;

/** The part of the answer to an instantiation that this package's client reads. */
export const MapResponse = z.object({ layergroupid: z.string() });
