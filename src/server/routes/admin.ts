import type { FastifyInstance } from "fastify";

/** What the server's process tells about itself, and its one order. */
export interface ServerControl {
  status(): ServerStatus;
  stop(): void;
}

export interface ServerStatus {
  readonly protocol: number;
  readonly version: string;
  readonly pid: number;
  readonly engine: string;
  /** Of a user's database: its address, without secrets. */
  readonly database?: string;
  readonly dataDir: string;
  readonly startedAt: string;
  /** What holds the database now, in a few words; absent when it is free. */
  readonly busyWith?: string;
  /** How many statements wait for the database. */
  readonly waiting: number;
}

/** `/cartoframes/status` and `/cartoframes/stop`, for the launcher and the command line. */
export function adminRoutes(app: FastifyInstance, control: ServerControl): void {
  app.get("/cartoframes/status", async () => control.status());
  app.post("/cartoframes/stop", async () => {
    setImmediate(() => control.stop());
    return { stopping: true };
  });
}
