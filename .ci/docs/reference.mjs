/** What the package exports, from its own docstrings and types: one page for each entry of package.json's `exports`. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';

const FLAGS = ts.TypeFormatFlags.NoTruncation | ts.TypeFormatFlags.UseAliasDefinedOutsideCurrentScope;

/**
 * @param {string} project its folder
 * @returns {{name: string, entries: {name: string, kind: string, doc: string, text: string, missing: boolean}[]}[]}
 */
export function reference(project) {
  const { exports } = JSON.parse(readFileSync(join(project, 'package.json'), 'utf8'));
  const roots = Object.entries(exports).map(([path, { default: file }]) => ({
    name: path === '.' ? 'simsup' : `simsup${path.slice(1)}`,
    file: join(project, file.replace('./dist/', '').replace(/\.js$/, '.ts')),
  }));
  const { config } = ts.readConfigFile(join(project, 'tsconfig.json'), ts.sys.readFile);
  const { options } = ts.convertCompilerOptionsFromJson(config.compilerOptions, project);
  const program = ts.createProgram(
    roots.map(({ file }) => file),
    options,
  );
  const checker = program.getTypeChecker();
  return roots.map(({ name, file }) => {
    const module = checker.getSymbolAtLocation(program.getSourceFile(file));
    const symbols = module === undefined ? [] : checker.getExportsOfModule(module);
    return {
      name,
      entries: symbols.map((symbol) => entryOf(symbol, checker)).sort((a, b) => (a.name < b.name ? -1 : 1)),
    };
  });
}

function entryOf(exported, checker) {
  const symbol = exported.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(exported) : exported;
  const [declaration] = symbol.declarations ?? [];
  const doc = ts.displayPartsToString(symbol.getDocumentationComment(checker));
  const kind =
    declaration === undefined
      ? 'value'
      : ts.isFunctionDeclaration(declaration)
        ? 'function'
        : ts.isClassDeclaration(declaration)
          ? 'class'
          : ts.isInterfaceDeclaration(declaration)
            ? 'interface'
            : ts.isTypeAliasDeclaration(declaration)
              ? 'type'
              : 'constant';
  return { name: exported.name, kind, doc, text: shape(symbol, declaration, kind, checker), missing: doc === '' };
}

/** As it is declared, without what is inside functions and what is private. */
function shape(symbol, declaration, kind, checker) {
  if (declaration === undefined) return '';
  if (kind === 'interface' || kind === 'type') return declaration.getText().replace(/^export /, '');
  if (kind === 'class') {
    const members = declaration.members
      .filter(
        (member) => !(ts.getCombinedModifierFlags(member) & ts.ModifierFlags.Private) && member.name !== undefined,
      )
      .map((member) => {
        const own = checker.getSymbolAtLocation(member.name);
        const doc = own === undefined ? '' : ts.displayPartsToString(own.getDocumentationComment(checker));
        const type = own === undefined ? '' : checker.typeToString(checker.getTypeOfSymbol(own), undefined, FLAGS);
        return `${doc === '' ? '' : `  /** ${doc.replaceAll('\n', ' ')} */\n`}  ${member.name.getText()}: ${type};`;
      });
    return `class ${symbol.name} {\n${members.join('\n')}\n}`;
  }
  const type = checker.typeToString(checker.getTypeOfSymbolAtLocation(symbol, declaration), undefined, FLAGS);
  return `${symbol.name}: ${type.length > 1500 ? `${type.slice(0, 1500)} …` : type}`;
}
