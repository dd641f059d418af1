import { mkdir, open, readdir, readFile, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import * as z from "zod";
import { JobStatus } from "../../api/schemas/jobs";
import { parseJson } from "../../values";
import type { Job } from "./job";

const MAGIC = "cartoframes-job";
const VERSION = 1;

const Part = z.object({
  query: z.string(),
  onsuccess: z.string().optional(),
  onerror: z.string().optional(),
  timeout: z.number().optional(),
  id: z.string().optional(),
  status: JobStatus,
  fallback_status: JobStatus.optional(),
  started_at: z.iso.datetime().optional(),
  ended_at: z.iso.datetime().optional(),
  failed_reason: z.string().optional(),
});

const JobFile = z.object({
  magic: z.literal(MAGIC),
  version: z.literal(VERSION),
  /** Position in the queue. Times do not define the order, because several can be equal. */
  number: z.int(),
  job: z.object({
    job_id: z.uuid(),
    user: z.string(),
    shape: z.enum(["text", "list", "object"]),
    queries: z.array(Part).min(1),
    onsuccess: z.string().optional(),
    onerror: z.string().optional(),
    status: JobStatus,
    fallback_status: JobStatus.optional(),
    failed_reason: z.string().optional(),
    created_at: z.iso.datetime(),
    updated_at: z.iso.datetime(),
  }),
});

/** A job and its place in the queue. */
export interface NumberedJob {
  readonly number: number;
  readonly job: Job;
}

/** Keeps each job in a file, so that its status is available while the database is busy or closed. */
export interface JobStore {
  /** Resolves when the job would survive a crash of this process or of the machine. */
  write(entry: NumberedJob): Promise<void>;
  remove(jobId: string): Promise<void>;
}

/**
 * Opens the folder, which is created if it is missing, and reads its jobs in the order of the queue. A damaged file is
 * renamed and passed to `report`.
 */
export async function openJobStore(
  dir: string,
  report: (error: Error) => void,
): Promise<{ store: JobStore; jobs: NumberedJob[] }> {
  await mkdir(dir, { recursive: true, mode: 0o700 });
  const fileOf = (jobId: string) => join(dir, `${jobId}.json`);
  const jobs: NumberedJob[] = [];
  for (const name of await readdir(dir)) {
    const path = join(dir, name);
    if (name.endsWith(".new")) await rm(path, { force: true });
    if (!name.endsWith(".json")) continue;
    const { success, data, error } = JobFile.safeParse(parseJson(await readFile(path, "utf8")));
    if (success && path === fileOf(data.job.job_id)) {
      jobs.push({ number: data.number, job: data.job });
    } else {
      await rename(path, `${path}.damaged`);
      const what = error ? z.prettifyError(error) : "it is named after another job";
      report(new Error(`${path} is damaged and was renamed to ${name}.damaged: ${what}`));
    }
  }
  const store: JobStore = {
    write: async ({ number, job }) => {
      const content = { magic: MAGIC, version: VERSION, number, job };
      await replaceDurably(fileOf(job.job_id), `${JSON.stringify(content)}\n`);
    },
    remove: (jobId) => rm(fileOf(jobId), { force: true }),
  };
  return { store, jobs: jobs.sort((a, b) => a.number - b.number) };
}

/** Replaces a file atomically, readable by its owner only. Resolves when the change is on disk. */
async function replaceDurably(path: string, text: string): Promise<void> {
  const temporary = `${path}.new`;
  const file = await open(temporary, "w", 0o600);
  try {
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(temporary, path);
  await syncFolder(join(path, ".."));
}

/**
 * Writes the folder to disk; otherwise a power loss could restore the old file. Windows cannot open folders, and need
 * not.
 */
async function syncFolder(dir: string): Promise<void> {
  const folder = await open(dir, "r").catch(() => undefined);
  await folder?.sync().catch(() => {});
  await folder?.close();
}
