// Reads {"library": folder, "tables": {name: {column: type}}, "queries": {name: text}} from standard input and writes
// {name: [what Microsoft's Kusto parser says]}; names are resolved against the tables alone.
const input = JSON.parse(require("fs").readFileSync(0, "utf8"));
require(`${input.library}/bridge.min.js`);
require(`${input.library}/Kusto.Language.Bridge.min.js`);

const { GlobalState, KustoCode, Symbols } = Kusto.Language;
const column = ([name, type]) => new Symbols.ColumnSymbol(name, Symbols.ScalarTypes.GetSymbol(type));
const tables = Object.entries(input.tables).map(
  ([name, columns]) => new Symbols.TableSymbol.$ctor4(name, Object.entries(columns).map(column)),
);
const database = new Symbols.DatabaseSymbol.ctor("workspace", tables);
const globals = GlobalState.Default.WithDatabase(database);

const answer = {};
for (const [name, text] of Object.entries(input.queries)) {
  const code = KustoCode.ParseAndAnalyze(text, globals);
  const found = code.GetDiagnostics();
  answer[name] = [];
  for (let i = 0; i < found.Count; i++) {
    const one = found.getItem(i);
    answer[name].push(`${one.Severity} ${one.Code}: ${one.Message}`);
  }
}
console.log(JSON.stringify(answer));
