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
/** So long a finished job can be asked for. */
const KEEP_FINISHED_MS = 2 * 3600 * 1000;

const STOPPED =
  "the server was stopped while this ran, so it was cancelled; look at what it did before you run it again";
const KILLED =
  "the server ended while this ran, killed or by a crash; it may have taken effect: look before you run it again";

/** The batch jobs of one server: they run one at a time, in the order in which they were created. */
export interface JobQueue {
  /** @throws JobRefused if too many wait already. */
  create(query: JobQuery): Promise<Job>;
  /** @throws JobRefused if there is no such job, or no more. */
  get(jobId: string): Job;
  /**
   * Takes a job out of the queue, or ends its running query; resolves when that has ended.
   * @throws JobRefused if there is no such job, or it is finished.
   */
  cancel(jobId: string): Promise<Job>;
  /** Ids of the jobs of which something runs. */
  running(): string[];
  /** Whether anything runs or waits. */
  isBusy(): boolean;
  /** Whether what still has to run names a table: such a table must not be cleaned up. */
  mentions(name: string): boolean;
  /** Lets jobs run, from now on, on a database that is open. */
  start(engine: JobEngine): void;
  /** Ends the running query; its job has failed. Those that wait run when a next server starts. */
  stop(): Promise<void>;
}

export type JobEngine = Pick<Engine, "query">;

export interface JobQueueOptions {
  /** Where the jobs are kept. */
  readonly dir: string;
  readonly report: (error: unknown) => void;
  /** @internal for tests */
  readonly keepFinishedMs?: number;
}

/** Opens the queue with the jobs that an earlier server left; the one that ran under it has failed. */
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

/** A step that is with the database. */
interface RunningStep {
  readonly jobId: string;
  readonly controller: AbortController;
  /** Resolves when the job has its state after the step. */
  readonly ended: Promise<void>;
}

type EndedBy = "cancel" | "stop";

class FileJobQueue implements JobQueue {
  readonly #store: JobStore;
  readonly #report: (error: unknown) => void;
  readonly #keepFinishedMs: number;
  /** In the order of their numbers. What is in it is on the disk, too, unless the disk refused it. */
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
        if (this.#engine && this.isBusy()) this.#runAll(); // came while the loop ended
      });
  }

  async #run(): Promise<void> {
    for (let job = this.#next(); this.#engine && job; job = this.#next()) {
      await this.#runStep(this.#engine, job);
    }
  }

  /** The oldest job that is not finished: it goes on before a younger one begins. */
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

  /** A step runs only once the disk knows of it: otherwise it would run again after a crash. */
  async #begin(jobId: string): Promise<Job | undefined> {
    try {
      return await this.#change(jobId, (job) => begin(job, now()));
    } catch (error) {
      if (error instanceof JobRefused) return undefined; // cancelled in between
      this.#report(error);
      const reason = `the server could not note that it begins: ${(error as Error).message}`;
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

  /** Changes a job even if the disk refuses it: there it is still what it was, which the next server can handle. */
  async #changeAnyway(jobId: string, change: (job: Job) => Job): Promise<void> {
    await this.#inTurn(async () => {
      const entry = this.#entries.get(jobId)!;
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

  /** One change at a time: each starts from what the one before it wrote. */
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

/** Runs the step that has begun; returns its error. */
async function runStep(engine: JobEngine, job: Job, signal: AbortSignal): Promise<Error | undefined> {
  const { sql, timeoutMs = MAX_QUERY_MS } = nextStep(job)!;
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

/** The statement as CARTO sends it: who looks at the database's activity sees which job it is. */
function marked(jobId: string, sql: string): string {
  return `/* ${jobId} */ ${sql}`;
}

const MARKED = /^\/\* ([0-9a-f]{8})-[0-9a-f-]{27} \*\/ (.*)$/s;

/** What the database is busy with, in the words of who waits: the statement, and if it is a job's, which. */
export function describeStatement(sql: string | undefined): string | undefined {
  return sql?.replace(MARKED, (_, jobId, statement) => `batch job ${jobId}…: ${statement}`);
}

function afterStep(job: Job, error: Error | undefined, { aborted, reason }: AbortSignal): Job {
  const endedBy: EndedBy | undefined = aborted ? reason : undefined;
  if (error && endedBy === "cancel") return cancel(job, now());
  if (error && endedBy === "stop") return interrupt(job, now(), STOPPED);
  const finished = finish(job, now(), error?.message);
  // It ended before the cancel reached it: what comes after it is cancelled, if there is anything.
  return endedBy === "cancel" && !isFinished(finished) ? cancel(finished, now()) : finished;
}

function isCancelled({ status, fallback_status }: Job): boolean {
  return status === "cancelled" || fallback_status === "cancelled";
}

function now(): string {
  return new Date().toISOString();
}
