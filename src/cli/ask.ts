import { createInterface } from "node:readline";
import { Writable } from "node:stream";

/** Thrown when the user answers a question with Ctrl-C. */
export class QuestionAborted extends Error {}

/** Asks a question on the terminal. The answer to a `hidden` one is neither shown nor kept in a history. */
export function ask(question: string, { hidden = false } = {}): Promise<string> {
  process.stderr.write(question);
  const silent = new Writable({ write: (_chunk, _encoding, done) => done() });
  const lines = createInterface({
    input: process.stdin,
    output: hidden ? silent : process.stderr,
    terminal: true,
    historySize: 0,
  });
  return new Promise((resolve, reject) => {
    let answer: string | undefined;
    lines.once("line", (line) => {
      answer = line;
      lines.close();
    });
    lines.once("SIGINT", () => lines.close());
    lines.once("close", () => {
      if (hidden) process.stderr.write("\n");
      if (answer === undefined) reject(new QuestionAborted());
      else resolve(answer);
    });
  });
}

/** Reads standard input to its end, without surrounding white space. */
export async function readInput(): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of process.stdin) chunks.push(Buffer.from(chunk));
  return Buffer.concat(chunks).toString("utf8").trim();
}
