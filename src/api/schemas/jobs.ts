import * as z from "zod";

/** Status of a job, of a query in it, and of a statement that runs after a query. A job itself is never `skipped`. */
export const JobStatus = z.enum(["pending", "running", "done", "failed", "cancelled", "skipped", "unknown"]);
export type JobStatus = z.infer<typeof JobStatus>;

/** Optional statement: absent, null and "" mean that nothing runs. */
const statement = z
  .string()
  .nullish()
  .transform((sql) => sql || undefined);

const QueryWithFallback = z.object({
  query: z.string().min(1),
  onsuccess: statement,
  onerror: statement,
  /** Time limit in milliseconds. Anything but a positive number means no limit. */
  timeout: z.number().positive().optional().catch(undefined),
  id: z.string().optional().catch(undefined),
});

/** The three shapes of `query` in `POST /api/v2/sql/job`. Other members are ignored. */
export const JobQuery = z.union([
  z.string().min(1),
  z.array(z.string()).min(1),
  z.object({
    query: z.array(QueryWithFallback).min(1),
    onsuccess: statement,
    onerror: statement,
  }),
]);
export type JobQuery = z.infer<typeof JobQuery>;

/** Reads a status. The documentation and some servers write `canceled`. */
export function readStatus(text: string): JobStatus {
  const known = JobStatus.safeParse(text === "canceled" ? "cancelled" : text);
  return known.success ? known.data : "unknown";
}

const spelledStatus = z.string().transform(readStatus);

const JobPart = z.object({
  query: z.string(),
  status: spelledStatus.optional(),
  fallback_status: spelledStatus.optional(),
  failed_reason: z.string().optional(),
});

/** Answer of every call of the Batch SQL API. */
export const JobResponse = z.object({
  job_id: z.string(),
  status: spelledStatus,
  query: z.union([z.string(), z.array(JobPart), z.object({ query: z.array(JobPart) })]),
  created_at: z.string(),
  updated_at: z.string(),
  failed_reason: z.string().optional(),
  fallback_status: spelledStatus.optional(),
});
export type JobResponse = z.infer<typeof JobResponse>;
