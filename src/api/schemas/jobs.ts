import * as z from "zod";

/** Of jobs, of the queries in them, and of what runs after those. `skipped` is never a job's own. */
export const JobStatus = z.enum(["pending", "running", "done", "failed", "cancelled", "skipped", "unknown"]);
export type JobStatus = z.infer<typeof JobStatus>;

/** Absent, null and "" all mean that nothing is to run. */
const statement = z
  .string()
  .nullish()
  .transform((sql) => sql || undefined);

const QueryWithFallback = z.object({
  query: z.string().min(1),
  onsuccess: statement,
  onerror: statement,
  /** In milliseconds. What is no positive number is no limit. */
  timeout: z.number().positive().optional().catch(undefined),
  id: z.string().optional().catch(undefined),
});

/** The three shapes of `query` in `POST /api/v2/sql/job`. Members that are not listed do not count. */
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

/** A status as a server spells it: documents and some servers write `canceled`. */
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

/** What every call of the Batch SQL API answers. */
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
