/** Minimum length of a secret. Shorter texts are not keys, and would match parts of words. */
const MIN_SECRET_CHARS = 6;
/** Texts that look like a secret, known or not. */
const PATTERNS: readonly [RegExp, string][] = [
  [/\b(api_key|map_key|auth_token|password|passwd|pwd)(["']?\s*[=:]\s*["']?)[^\s"'&,;)]+/gi, "$1$2***"],
  [/\b(authorization["']?\s*[=:]\s*["']?)((basic|bearer)\s+)?[^\s"']+/gi, "$1***"],
  [/(\b[a-z][a-z0-9+.-]*:\/\/)[^\s/@"']+@/gi, "$1***@"],
];

/** Removes the secrets from all texts of an error and its causes, except from the statement the user wrote. */
export function redactError(error: unknown, redact: (text: string) => string): void {
  for (let at = error; at instanceof Error; at = at.cause) {
    const told = at as unknown as Record<string, unknown>;
    for (const name of ["message", "stack", ...Object.keys(at)]) {
      if (name === "sql" || typeof told[name] !== "string") continue;
      const value = redact(told[name]);
      // Assigning would fail: the message of an AbortError has only a getter.
      if (value !== told[name])
        Object.defineProperty(at, name, { value, writable: true, configurable: true });
    }
  }
}

/** Returns a function that removes secrets from a text, in every encoding in which they are sent. */
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
