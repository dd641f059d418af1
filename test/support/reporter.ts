/**
 * Prints a test run on one screen: progress ten times, failures in full, skipped tests with the reason, and the totals alone
 * on the last line.
 */
import type { TestCase, TestModule, TestSpecification } from "vitest/node";
import { MinimalReporter } from "vitest/node";
import type { Skipped } from "./needs";

/** Number of progress lines if the output is not a terminal. */
const PROGRESS_LINES = 10;

export default class ScreenReporter extends MinimalReporter {
  #files = 0;
  #finished = 0;
  #counts = { passed: 0, failed: 0, skipped: 0 };
  /** Numbers of skipped tests by reason. */
  readonly #skipped = new Map<string, Skipped & { count: number }>();

  override onTestRunStart(specifications: readonly TestSpecification[]): void {
    super.onTestRunStart(specifications);
    this.#files = specifications.length;
    this.#finished = 0;
    this.#counts = { passed: 0, failed: 0, skipped: 0 };
    this.#skipped.clear();
  }

  override onTestCaseResult(test: TestCase): void {
    super.onTestCaseResult(test);
    const { state } = test.result();
    if (state === "passed" || state === "failed") this.#counts[state]++;
    const { skipped } = test.meta();
    if (state !== "skipped" || !skipped) return; // without a reason, the test is for another engine or system
    this.#counts.skipped++;
    const count = (this.#skipped.get(skipped.why)?.count ?? 0) + 1;
    this.#skipped.set(skipped.why, { ...skipped, count });
  }

  override printTestModule(module: TestModule): void {
    const tenth = () => Math.floor((this.#finished * PROGRESS_LINES) / this.#files);
    const before = tenth();
    this.#finished++;
    this.#clearLine();
    super.printTestModule(module);
    const seconds = Math.round((performance.now() - this.start) / 1000);
    const { passed, failed } = this.#counts;
    const line = `${this.#finished} of ${this.#files} files, ${passed} tests passed, ${failed} failed, ${seconds} s`;
    if (this.isTTY) process.stdout.write(line);
    else if (tenth() > before) this.log(line);
  }

  override reportTestSummary(_files: unknown, errors: readonly unknown[]): void {
    this.#clearLine();
    this.log();
    for (const { count, kind, why } of this.#skipped.values())
      this.log(`${count} ${kind} test${count === 1 ? "" : "s"} skipped: ${why}`);
    if (this.#lacksWanted()) {
      this.log("CARTOFRAMES_TEST_ALL is set, so a skipped test is a failure.");
      process.exitCode = 1;
    }
    // A file that cannot be loaded has no failing tests, but counts as a failure.
    const modules = this.ctx.state.getTestModules();
    const broken = modules.filter((module) => module.errors().length > 0).length + errors.length;
    const { passed, failed, skipped } = this.#counts;
    this.log(`${passed} passed, ${failed + broken} failed, ${skipped} skipped`);
  }

  #clearLine(): void {
    if (this.isTTY) process.stdout.write("\r\u001b[K");
  }

  /** `.ci/run` sets the variable to `all`, or to `all but JupyterLab` if no package index can be reached. */
  #lacksWanted(): boolean {
    const wanted = process.env.CARTOFRAMES_TEST_ALL;
    return Boolean(wanted) && [...this.#skipped.values()].some(({ kind }) => wanted !== `all but ${kind}`);
  }
}
