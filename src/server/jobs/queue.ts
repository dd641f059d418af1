import { randomUUID } from "node:crypto";
import type { JobQuery } from "../../api/schemas/jobs";
import { LOCAL_USER } from "../../local/home";
import type { Engine } from "../engine/engine";
import {
  begin,
  cancel,
  finish,
  interrupt,
  isFinished,
  isRunning,
  type Job,
  JobRefused,
  newJob,
  nextStep,
} from "./job";
import { type JobStore, type NumberedJob, openJobStore } from "./store";

const MAX_QUEUED_JOBS = 64;
const MAX_QUERY_MS = 12 * 3600 * 1000;
/** Time for which a finished job is kept. */
const KEEP_FINISHED_MS = 2 * 3600 * 1000;

const STOPPED =
  "the server was stopped while this query ran, which cancelled it; check what it did before you run it again";
const KILLED =
  "the server was killed or crashed while this query ran; it may have taken effect: check before you run it again";

/** The batch jobs of a server. They run one at a time, in the order of their creation. */
export interface JobQueue {
  /** Adds a job. @throws JobRefused if the queue is full */
  create(query: JobQuery): Promise<Job>;
  /** Returns a job. @throws JobRefused if it does not exist or is no longer kept */
  get(jobId: string): Job;
  /**
   * Removes a job from the queue, or cancels its running query. Resolves when the query has ended.
   * @throws JobRefused if the job does not exist or is finished
   */
  cancel(jobId: string): Promise<Job>;
  /** Returns the ids of running jobs. */
  running(): string[];
  /** True if a job is running or waiting. */
  isBusy(): boolean;
  /** True if an unfinished job names the table, which must not be dropped then. */
  mentions(name: string): boolean;
  /** Starts running jobs. The database must be open. */
  start(engine: JobEngine): void;
  /** Cancels the running query, whose job fails. Waiting jobs run when the next server starts. */
  stop(): Promise<void>;
}

type JobEngine = Pick<Engine, "query">;

export interface JobQueueOptions {
  /** Folder of the job files. */
  readonly dir: string;
  readonly report: (error: unknown) => void;
  /** @internal for tests */
  readonly keepFinishedMs?: number;
}

/** Opens the queue with the jobs of an earlier server. The job that was running then has failed. */
export async function openJobQueue({
  dir,
  report,
  keepFinishedMs = KEEP_FINISHED_MS,
}: JobQueueOptions): Promise<JobQueue> {
  const { store, jobs } = await openJobStore(dir, report);
  const queue = new FileJobQueue(store, jobs, report, keepFinishedMs);
  await queue.recover();
  return queue;
}

interface RunningStep {
  readonly jobId: string;
  readonly controller: AbortController;
  /** Resolves when the job is updated after the step. */
  readonly ended: Promise<void>;
}

type EndedBy = "cancel" | "stop";

class FileJobQueue implements JobQueue {
  readonly #store: JobStore;
  readonly #report: (error: unknown) => void;
  readonly #keepFinishedMs: number;
  /** Jobs in the order of their numbers. Every entry is also on disk, unless it could not be written. */
  readonly #entries: Map<string, NumberedJob>;
  #lastNumber: number;
  #changes: Promise<unknown> = Promise.resolve();
  /** Set while jobs may run. */
  #engine: JobEngine | undefined;
  #step: RunningStep | undefined;
  #loop: Promise<void> | undefined;

  constructor(
    store: JobStore,
    jobs: readonly NumberedJob[],
    report: (error: unknown) => void,
    keepFinishedMs: number,
  ) {
    this.#store = store;
    this.#report = report;
    this.#keepFinishedMs = keepFinishedMs;
    this.#entries = new Map(jobs.map((entry) => [entry.job.job_id, entry]));
    this.#lastNumber = jobs.at(-1)?.number ?? 0;
  }

  async recover(): Promise<void> {
    for (const { job } of this.#entries.values()) {
      if (isRunning(job)) await this.#changeAnyway(job.job_id, (job) => interrupt(job, now(), KILLED));
    }
    this.#forgetOld();
  }

  create(query: JobQuery): Promise<Job> {
    this.#forgetOld();
    return this.#inTurn(async () => {
      const waiting = [...this.#entries.values()].filter(({ job }) => job.status === "pending");
      if (waiting.length >= MAX_QUEUED_JOBS) {
        throw new JobRefused(`Failed to create job. Max number of jobs (${MAX_QUEUED_JOBS}) queued reached`);
      }
      const job = newJob(query, { id: randomUUID(), user: LOCAL_USER, at: now() });
      await this.#keep({ number: ++this.#lastNumber, job });
      this.#runAll();
      return job;
    });
  }

  get(jobId: string): Job {
    this.#forgetOld();
    const entry = this.#entries.get(jobId);
    if (!entry) throw new JobRefused(`Job with id ${jobId} not found`);
    return entry.job;
  }

  async cancel(jobId: string): Promise<Job> {
    const step = this.#step;
    if (step?.jobId === jobId) {
      step.controller.abort("cancel" satisfies EndedBy);
      await step.ended;
      const job = this.get(jobId);
      if (isCancelled(job)) return job;
    }
    return this.#change(jobId, (job) => cancel(job, now()));
  }

  running(): string[] {
    return [...this.#entries.values()].filter(({ job }) => isRunning(job)).map(({ job }) => job.job_id);
  }

  isBusy(): boolean {
    return this.#next() !== undefined;
  }

  mentions(name: string): boolean {
    return [...this.#entries.values()].some(
      ({ job }) =>
        !isFinished(job) && JSON.stringify([job.queries, job.onsuccess, job.onerror]).includes(name),
    );
  }

  start(engine: JobEngine): void {
    this.#engine = engine;
    this.#runAll();
  }

  async stop(): Promise<void> {
    this.#engine = undefined;
    this.#step?.controller.abort("stop" satisfies EndedBy);
    await this.#loop;
    await this.#changes;
  }

  #runAll(): void {
    if (!this.#engine) return;
    this.#loop ??= this.#run()
      .catch(this.#report)
      .finally(() => {
        this.#loop = undefined;
        if (this.#engine && this.isBusy()) this.#runAll(); // a job was added while the loop ended
      });
  }

  async #run(): Promise<void> {
    for (let job = this.#next(); this.#engine && job; job = this.#next()) {
      await this.#runStep(this.#engine, job);
    }
  }

  /** Returns the oldest unfinished job: it continues before a newer one starts. */
  #next(): Job | undefined {
    for (const { job } of this.#entries.values()) if (nextStep(job)) return job;
    return undefined;
  }

  async #runStep(engine: JobEngine, { job_id }: Job): Promise<void> {
    const controller = new AbortController();
    let end = () => {};
    const ended = new Promise<void>((resolve) => {
      end = resolve;
    });
    this.#step = { jobId: job_id, controller, ended };
    try {
      const job = await this.#begin(job_id);
      if (!job) return;
      const error = await runStep(engine, job, controller.signal);
      await this.#changeAnyway(job_id, (job) => afterStep(job, error, controller.signal));
    } finally {
      this.#step = undefined;
      end();
    }
  }

  /** Records the start of a step on disk before it runs; otherwise it would run again after a crash. */
  async #begin(jobId: string): Promise<Job | undefined> {
    try {
      return await this.#change(jobId, (job) => begin(job, now()));
    } catch (error) {
      if (error instanceof JobRefused) return undefined; // cancelled in the meantime
      this.#report(error);
      const reason = `the server could not record the start of the query: ${(error as Error).message}`;
      await this.#changeAnyway(jobId, (job) => interrupt(begin(job, now()), now(), reason));
      return undefined;
    }
  }

  #change(jobId: string, change: (job: Job) => Job): Promise<Job> {
    return this.#inTurn(async () => {
      const entry = this.#entries.get(jobId);
      if (!entry) throw new JobRefused(`Job with id ${jobId} not found`);
      const job = change(entry.job);
      await this.#keep({ ...entry, job });
      return job;
    });
  }

  /** Changes a job even if the change cannot be written. The next server can handle the old state on disk. */
  async #changeAnyway(jobId: string, change: (job: Job) => Job): Promise<void> {
    await this.#inTurn(async () => {
      const entry = this.#entries.get(jobId);
      if (!entry) return;
      const changed = { ...entry, job: change(entry.job) };
      await this.#keep(changed).catch((error) => {
        this.#report(error);
        this.#entries.set(jobId, changed);
      });
    });
  }

  async #keep(entry: NumberedJob): Promise<void> {
    await this.#store.write(entry);
    this.#entries.set(entry.job.job_id, entry);
  }

  /** Makes one change at a time, so that each starts from the result of the one before. */
  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#changes.then(work);
    this.#changes = turn.catch(() => {});
    return turn;
  }

  #forgetOld(): void {
    const before = Date.now() - this.#keepFinishedMs;
    for (const [jobId, { job }] of this.#entries) {
      if (!isFinished(job) || Date.parse(job.updated_at) > before) continue;
      this.#entries.delete(jobId);
      this.#store.remove(jobId).catch(this.#report);
    }
  }
}

/** Runs the current step of a job; resolves to its error. */
async function runStep(engine: JobEngine, job: Job, signal: AbortSignal): Promise<Error | undefined> {
  const { sql, timeoutMs = MAX_QUERY_MS } = nextStep(job)!; // it has begun one
  try {
    await engine.query(marked(job.job_id, sql), {
      signal,
      timeoutMs: Math.ceil(Math.min(timeoutMs, MAX_QUERY_MS)),
    });
    return undefined;
  } catch (error) {
    return error as Error;
  }
}

/** Adds the job's id as a comment, as CARTO does, so that it shows in the database's activity. */
function marked(jobId: string, sql: string): string {
  return `/* ${jobId} */ ${sql}`;
}

const MARKED = /^\/\* ([0-9a-f]{8})-[0-9a-f-]{27} \*\/ (.*)$/s;

/** Describes a running statement for people who wait for it; names the batch job if it belongs to one. */
export function describeStatement(sql: string | undefined): string | undefined {
  return sql?.replace(MARKED, (_, jobId, statement) => `batch job ${jobId}…: ${statement}`);
}

function afterStep(job: Job, error: Error | undefined, { aborted, reason }: AbortSignal): Job {
  const endedBy: EndedBy | undefined = aborted ? reason : undefined;
  if (error && endedBy === "cancel") return cancel(job, now());
  if (error && endedBy === "stop") return interrupt(job, now(), STOPPED);
  const finished = finish(job, now(), error?.message);
  // The step ended before the cancel took effect: the remaining steps are cancelled.
  return endedBy === "cancel" && !isFinished(finished) ? cancel(finished, now()) : finished;
}

function isCancelled({ status, fallback_status }: Job): boolean {
  return status === "cancelled" || fallback_status === "cancelled";
}

function now(): string {
  return new Date().toISOString();
}
