/** Shorter texts are no keys, and would be found in the middle of words. */
const MIN_SECRET_CHARS = 6;
/** Of anything that looks like a secret, whoever's it is. */
const PATTERNS: readonly [RegExp, string][] = [
  [/\b(api_key|map_key|auth_token|password|passwd|pwd)(["']?\s*[=:]\s*["']?)[^\s"'&,;)]+/gi, "$1$2***"],
  [/\b(authorization["']?\s*[=:]\s*["']?)((basic|bearer)\s+)?[^\s"']+/gi, "$1***"],
  [/(\b[a-z][a-z0-9+.-]*:\/\/)[^\s/@"']+@/gi, "$1***@"],
];

/** Takes the secrets out of all that an error and its causes tell; the statement stays as the user wrote it. */
export function redactError(error: unknown, redact: (text: string) => string): void {
  for (let at = error; at instanceof Error; at = at.cause) {
    const told = at as unknown as Record<string, unknown>;
    for (const name of ["message", "stack", ...Object.keys(at)]) {
      if (name === "sql" || typeof told[name] !== "string") continue;
      const value = redact(told[name]);
      // Not assigned: the message of an AbortError has a getter only.
      if (value !== told[name])
        Object.defineProperty(at, name, { value, writable: true, configurable: true });
    }
  }
}

/** A function that takes the secrets out of a text, in every form in which they travel, and what looks like one. */
export function redactor(secrets: readonly string[]): (text: string) => string {
  const forms = secrets
    .filter((secret) => secret.length >= MIN_SECRET_CHARS)
    .flatMap((secret) => [secret, encodeURIComponent(secret), JSON.stringify(secret).slice(1, -1)]);
  return (text) => {
    let shown = text;
    for (const form of forms) shown = shown.replaceAll(form, "***");
    for (const [pattern, replacement] of PATTERNS) shown = shown.replace(pattern, replacement);
    return shown;
  };
}
