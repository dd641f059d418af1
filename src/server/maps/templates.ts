/** Named maps (section 7.8 of the protocol). */
import { readFile } from "node:fs/promises";
import writeFileAtomic from "write-file-atomic";
import * as z from "zod";
import { NamedMap } from "../../api/schemas/maps";
import { ServerError } from "../../errors";
import { LOCAL_USER } from "../../local/home";
import { parseJson } from "../../values";
import { MapsRefusal } from "./errors";
import { fingerprint } from "./map-config";

const MAX_TEMPLATES = 4096;

export type Template = NamedMap;

const TemplatesFile = z.array(NamedMap);

/** @throws MapsRefusal */
export function parseTemplate(value: unknown): Template {
  const parsed = NamedMap.safeParse(value);
  if (!parsed.success) {
    const { path = [], message = "Invalid template" } = parsed.error.issues[0] ?? {};
    throw refusal(
      path.length > 1 || path[0] === "layergroup" ? `Invalid ${path.join(".")}: ${message}` : message,
    );
  }
  const { name, placeholders, layergroup, auth } = parsed.data;
  if (!/^[a-z0-9][0-9a-z_-]*$/i.test(name)) throw refusal(`Invalid characters in template name '${name}'`);
  for (const [key, placeholder] of Object.entries(placeholders)) {
    if (!/^[a-z][0-9a-z_]*$/i.test(key)) throw refusal(`Invalid characters in placeholder name '${key}'`);
    const { default: value, type } = (placeholder ?? {}) as Record<string, unknown>;
    if (value === undefined) throw refusal(`Missing default for placeholder '${key}'`);
    if (typeof type !== "string") throw refusal(`Missing type for placeholder '${key}'`);
  }
  checkAuth(auth);
  const { layers } = layergroup;
  if (layers.length === 0) throw refusal("Missing or empty layers array from layergroup config");
  layers.forEach((layer, index) => {
    if (!(layer as { options?: unknown } | null)?.options) {
      throw refusal(`Missing options from layer ${index} of layergroup config`);
    }
  });
  return parsed.data;
}

function checkAuth(auth: unknown): void {
  const { method = "open", valid_tokens } = authOf(auth);
  if (method === "open") return;
  if (method !== "token") throw refusal(`Unsupported authentication method: ${method}`);
  const isList = Array.isArray(valid_tokens) && valid_tokens.every((token) => typeof token === "string");
  if (!isList || valid_tokens.length === 0)
    throw refusal("Invalid 'token' authentication: missing valid_tokens");
}

/** Expands the short form, a string, to `{ method }`. */
function authOf(auth: unknown): { readonly method?: unknown; readonly valid_tokens?: unknown } {
  if (typeof auth === "string") return { method: auth };
  return (auth as { method?: unknown; valid_tokens?: unknown } | null) ?? {};
}

export function needsToken({ auth }: Template): boolean {
  return authOf(auth).method === "token";
}

/** True if the map is open, or one of the tokens is valid. */
export function isAuthorized(template: Template, tokens: readonly unknown[]): boolean {
  if (!needsToken(template)) return true;
  const valid = authOf(template.auth).valid_tokens as string[];
  return tokens.some((token) => typeof token === "string" && valid.includes(token));
}

/** The types of placeholders. Each function returns the value escaped for its place in the template. */
const PLACEHOLDERS: Readonly<Record<string, (name: string, value: unknown) => string>> = {
  sql_literal: (_name, value) => String(value).replaceAll("'", "''"),
  sql_ident: (_name, value) => String(value).replaceAll('"', '""'),
  number: (name, value) => {
    const isNumber = typeof value === "number" && Number.isFinite(value);
    if (isNumber || (typeof value === "string" && /^[-+]?[\d.]?\d+([eE][+-]?\d+)?$/.test(value)))
      return String(value);
    throw refusal(`Invalid number value for template parameter '${name}': ${shown(value)}`);
  },
  css_color: (name, value) => {
    if (typeof value === "string" && /^([a-zA-Z]+|#[0-9a-fA-F]{3,6})$/.test(value)) return value;
    throw refusal(`Invalid css_color value for template parameter '${name}': ${shown(value)}`);
  },
};

/** A placeholder and the operator before it, which together with the sign of a number could begin a comment: `--1`. */
const PLACEHOLDER = /([-+*/<>=~!@#%^&|`?]?)<%=\s*([a-z][0-9a-z_]*)\s*%>/gi;

/** Returns the MapConfig of a template with its placeholders filled in. @throws MapsRefusal */
export function instantiate(template: Template, parameters: Readonly<Record<string, unknown>>): object {
  const values = new Map<string, string>();
  const numbers = new Set<string>();
  for (const [name, placeholder] of Object.entries(template.placeholders)) {
    const { type, default: fallback } = placeholder as { type: string; default: unknown };
    const fill = Object.hasOwn(PLACEHOLDERS, type) ? PLACEHOLDERS[type] : undefined;
    if (!fill) throw refusal(`Invalid placeholder type '${type}'`);
    const given = Object.hasOwn(parameters, name) ? parameters[name] : fallback;
    values.set(name, fill(name, given));
    if (type === "number") numbers.add(name);
  }
  const filled = (text: unknown) =>
    typeof text === "string"
      ? text.replace(PLACEHOLDER, (whole, before: string, name: string) => {
          const value = values.get(name);
          if (value === undefined) return whole;
          const isApart = before && numbers.has(name) && /^[-+]/.test(value);
          return before + (isApart ? " " : "") + value;
        })
      : text;
  const { layergroup } = template;
  const layers = layergroup.layers.map((layer) => {
    const { options, ...rest } = layer as { options: Record<string, unknown> };
    const { sql, cartocss } = options;
    return {
      ...rest,
      options: {
        ...options,
        ...(sql !== undefined && { sql: filled(sql) }),
        ...(cartocss !== undefined && { cartocss: filled(cartocss) }),
      },
    };
  });
  const buffersize = parameters.buffersize ?? layergroup.buffersize;
  const filledBuffer =
    typeof buffersize === "object" && buffersize !== null
      ? Object.fromEntries(Object.entries(buffersize).map(([format, size]) => [format, filled(size)]))
      : undefined;
  return { ...layergroup, layers, ...(filledBuffer && { buffersize: filledBuffer }) };
}

/** The named maps of one home, in a file that only its owner can read, because their tokens are secrets. */
export class NamedMaps {
  readonly #file: string;
  #templates: readonly Template[];

  /** Use `open`. */
  constructor(file: string, templates: readonly Template[]) {
    this.#file = file;
    this.#templates = templates;
  }

  /** @throws ServerError if the file exists and is damaged */
  static async open(file: string): Promise<NamedMaps> {
    const text = await readFile(file, "utf8").catch((error: NodeJS.ErrnoException) => {
      if (error.code === "ENOENT") return "[]";
      throw error;
    });
    const parsed = TemplatesFile.safeParse(parseJson(text));
    if (!parsed.success)
      throw new ServerError(
        `${file} is damaged: ${z.prettifyError(parsed.error)} Restore it, or delete it to start without named maps.`,
      );
    return new NamedMaps(file, parsed.data);
  }

  names(): string[] {
    return this.#templates.map(({ name }) => name);
  }

  find(name: string): Template | undefined {
    return this.#templates.find((template) => template.name === name);
  }

  async add(template: Template): Promise<void> {
    const { name } = template;
    if (this.find(name)) throw refusal(`Template '${name}' of user '${LOCAL_USER}' already exists`);
    const count = this.#templates.length;
    if (count >= MAX_TEMPLATES) {
      const message = `User '${LOCAL_USER}' reached limit on number of templates (${count}/${MAX_TEMPLATES})`;
      throw new MapsRefusal(409, message, { type: "limit" });
    }
    await this.#write([...this.#templates, template]);
  }

  async replace(name: string, template: Template): Promise<void> {
    if (!this.find(name)) throw missing(name);
    if (template.name !== name) {
      throw refusal(`Cannot update name of a map template ('${name}' != '${template.name}')`);
    }
    await this.#write(this.#templates.map((known) => (known.name === name ? template : known)));
  }

  async remove(name: string): Promise<void> {
    if (!this.find(name)) throw missing(name);
    await this.#write(this.#templates.filter((template) => template.name !== name));
  }

  async #write(templates: readonly Template[]): Promise<void> {
    this.#templates = templates; // before the write, so that a second change starts from the new list
    this.#writing = this.#writing
      .catch(() => {})
      .then(() => writeFileAtomic(this.#file, `${JSON.stringify(this.#templates)}\n`, { mode: 0o600 }));
    await this.#writing;
  }
  #writing: Promise<void> = Promise.resolve();
}

/** Identifies a version of a template by eight hexadecimal digits. */
export function templateHash(template: Template): string {
  return fingerprint(template).slice(0, 8);
}

function missing(name: string): MapsRefusal {
  return new MapsRefusal(404, `Template '${name}' of user '${LOCAL_USER}' does not exist`);
}

function refusal(message: string): MapsRefusal {
  return new MapsRefusal(400, message);
}

function shown(value: unknown): string {
  return String(typeof value === "object" ? JSON.stringify(value) : value).slice(0, 100);
}
