/**
 * Repairs shorthand properties in cells: tslab 1.0 finds the variables of earlier cells in all expressions but `{ name }`, as
 * in `cc.map({ layers })`, which it leaves undefined.
 */
import type ts from "typescript";

const MAYBE_SHORTHAND = /[{,]\s*[\w$]+\s*[,}]/;

/** Returns the program of a cell with `{ name: exports.name }` for each shorthand of a variable that only earlier cells have. */
export function withEarlierVariables(
  code: string,
  earlier: Readonly<Record<string, unknown>>,
  typescript: typeof ts | undefined,
): string {
  if (!typescript || !MAYBE_SHORTHAND.test(code)) return code;
  const cell = typescript.createSourceFile("cell.js", code, typescript.ScriptTarget.ESNext);
  const shorthands: ts.Identifier[] = [];
  const declared = new Set<string>();
  const visit = (node: ts.Node): void => {
    if (typescript.isShorthandPropertyAssignment(node)) shorthands.push(node.name);
    const { name } = node as { readonly name?: ts.Node };
    const declares =
      typescript.isVariableDeclaration(node) ||
      typescript.isBindingElement(node) ||
      typescript.isParameter(node) ||
      typescript.isFunctionLike(node) ||
      typescript.isClassLike(node);
    if (declares && name && typescript.isIdentifier(name)) declared.add(name.text);
    typescript.forEachChild(node, visit);
  };
  visit(cell);
  let repaired = code;
  for (const name of shorthands.reverse()) {
    const { text } = name;
    if (declared.has(text) || text in globalThis || !Object.hasOwn(earlier, text)) continue;
    repaired = `${repaired.slice(0, name.end)}: exports.${text}${repaired.slice(name.end)}`;
  }
  return repaired;
}
