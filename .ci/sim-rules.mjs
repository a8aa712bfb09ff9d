// @ts-check
/**
 * The rules of determinism under sim/, which a linter without types cannot check: `node .ci/sim-rules.mjs [FOLDER]`.
 *
 * Every JavaScript engine must compute the same run, so nothing there may ask for the time, a locale or chance, and of
 * Math only what ECMAScript defines exactly may be used (the rest is "implementation-approximated", ECMA-262 §21.3.2).
 */
import { readdirSync } from 'node:fs';
import { join, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';

const EXACT_MATH = new Set([
  ...['abs', 'floor', 'ceil', 'round', 'trunc', 'min', 'max', 'sqrt', 'sign', 'fround', 'imul', 'clz32'],
  ...['E', 'PI', 'LN2', 'LN10', 'LOG2E', 'LOG10E', 'SQRT2', 'SQRT1_2'],
]);
/** Globals that give a different answer on another day, machine or thread. */
const FORBIDDEN_GLOBALS = new Map([
  ['Date', 'the scenario has its own clock'],
  ['performance', 'the wall clock must not be seen by a run'],
  ['Intl', 'results would depend on the locale'],
  ['crypto', 'chance comes from named random streams'],
]);
const LOCALE_MEMBER = /^(localeCompare|toLocale\w*)$/;
/** Tests that check our own maths against the platform's, within a tolerance. */
const MATH_REFERENCE = /\bengine\/[^/]+\.test\.ts$/;

/**
 * @typedef {{ file: string, line: number, column: number, message: string }} Violation
 * @param {string} folder
 * @returns {Violation[]}
 */
export function violations(folder) {
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .sort()
    .map((name) => join(folder, name));
  const program = ts.createProgram(files, {
    target: ts.ScriptTarget.ES2022,
    lib: ['lib.es2023.d.ts', 'lib.dom.d.ts'],
    module: ts.ModuleKind.NodeNext,
    moduleResolution: ts.ModuleResolutionKind.NodeNext,
    allowImportingTsExtensions: true,
    strict: true,
    noEmit: true,
    skipLibCheck: true,
    types: [],
  });
  const checker = program.getTypeChecker();
  return files.flatMap((file) => {
    const source = program.getSourceFile(file);
    return source ? inFile(source, checker) : [];
  });
}

/**
 * @param {ts.SourceFile} source
 * @param {ts.TypeChecker} checker
 */
function inFile(source, checker) {
  /** @type {Violation[]} */
  const found = [];
  const mayUseAllOfMath = MATH_REFERENCE.test(source.fileName.split(sep).join('/'));
  /** @param {ts.Node} node @param {string} message */
  const report = (node, message) => {
    const { line, character } = source.getLineAndCharacterOfPosition(node.getStart(source));
    found.push({ file: source.fileName, line: line + 1, column: character + 1, message });
  };

  /** @param {ts.Node} node */
  const visit = (node) => {
    if (ts.isTypeNode(node)) return;
    if (ts.isIdentifier(node)) identifier(node);
    const member = memberName(node);
    if (member !== undefined && LOCALE_MEMBER.test(member)) {
      report(node, `${member} depends on the locale: compare with < and >, or write numbers out.`);
    }
    if (ts.isCallExpression(node)) sort(node);
    if (isPower(node) && !mayUseAllOfMath) {
      report(node, '** is not exactly rounded: use sim/engine/math (2 ** n with a whole n is allowed).');
    }
    ts.forEachChild(node, visit);
  };

  /** @param {ts.Identifier} node */
  const identifier = (node) => {
    if (!isGlobalUse(node, checker)) return;
    const why = FORBIDDEN_GLOBALS.get(node.text);
    if (why) report(node, `${node.text} may not be used under sim/: ${why}.`);
    if (node.text === 'globalThis') report(node, 'globalThis may not be used under sim/: name what you need.');
    if (node.text !== 'Math') return;
    const member = memberName(node.parent);
    if (member === undefined) report(node, 'Math may only be used as Math.name, so that each use can be checked.');
    else if (member === 'random') report(node, 'Math.random may not be used: chance comes from named random streams.');
    else if (!EXACT_MATH.has(member) && !mayUseAllOfMath) {
      report(node, `Math.${member} is not exactly rounded and differs between engines: use sim/engine/math.`);
    }
  };

  /** @param {ts.CallExpression} call */
  const sort = (call) => {
    const method = memberName(call.expression);
    if ((method !== 'sort' && method !== 'toSorted') || call.arguments.length > 0) return;
    const owner = /** @type {ts.PropertyAccessExpression} */ (call.expression).expression;
    const element = checker.getTypeAtLocation(owner).getNumberIndexType();
    const isText = element !== undefined && (element.flags & ts.TypeFlags.StringLike) !== 0;
    if (!isText && !/^(Big|Float|Int|Uint)\w*Array$/.test(typeName(owner, checker))) {
      report(call.expression, `${method}() without a comparator sorts as text: give it a total order.`);
    }
  };

  visit(source);
  return found;
}

/** The type's own name, e.g. `Float64Array`, whatever it is an alias for. @param {ts.Node} node @param {ts.TypeChecker} checker */
function typeName(node, checker) {
  const type = checker.getTypeAtLocation(node);
  return type.getSymbol()?.getName() ?? checker.typeToString(type);
}

/** `x` of `a.x` and `a['x']`. @param {ts.Node} node */
function memberName(node) {
  if (ts.isPropertyAccessExpression(node)) return node.name.text;
  if (ts.isElementAccessExpression(node) && ts.isStringLiteralLike(node.argumentExpression)) {
    return node.argumentExpression.text;
  }
  return undefined;
}

/** Whether the name stands for the platform's global, not for something of ours. @param {ts.Identifier} node @param {ts.TypeChecker} checker */
function isGlobalUse(node, checker) {
  if (node.text !== 'Math' && node.text !== 'globalThis' && !FORBIDDEN_GLOBALS.has(node.text)) return false;
  const { parent } = node;
  if (ts.isPropertyAccessExpression(parent) && parent.name === node) return false;
  const declarations = checker.getSymbolAtLocation(node)?.declarations ?? [];
  return declarations.every((d) => d.getSourceFile().isDeclarationFile);
}

/** `a ** b`, but for powers of two, which every engine computes exactly for whole exponents. @param {ts.Node} node */
function isPower(node) {
  if (!ts.isBinaryExpression(node)) return false;
  const operator = node.operatorToken.kind;
  if (operator === ts.SyntaxKind.AsteriskAsteriskEqualsToken) return true;
  return (
    operator === ts.SyntaxKind.AsteriskAsteriskToken && !(ts.isNumericLiteral(node.left) && node.left.text === '2')
  );
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const folder = process.argv[2] ?? fileURLToPath(new URL('../sim', import.meta.url));
  const found = violations(folder);
  for (const v of found) console.error(`${relative(process.cwd(), v.file)}:${v.line}:${v.column} ${v.message}`);
  if (found.length > 0) process.exitCode = 1;
}
