// node compile.mjs PYODIDE FROM TO: the archive FROM with each Python module compiled, by the very Python that will run it.
// A browser then compiles nothing: half of the seconds to the first answer.

import fs from "node:fs";
import path from "node:path";
import { pathToFileURL } from "node:url";

const [pyodideFolder, from, to] = process.argv.slice(2).map((argument) => path.resolve(argument));
const { loadPyodide } = await import(pathToFileURL(path.join(pyodideFolder, "pyodide.mjs")));
const pyodide = await loadPyodide({ indexURL: pyodideFolder });
pyodide.FS.writeFile("/from.zip", fs.readFileSync(from));
pyodide.runPython(`
import importlib.util, marshal, zipfile

NEVER_CHECKED = (1).to_bytes(4, "little") + bytes(8)  # PEP 552: by a hash, which nobody compares
with zipfile.ZipFile("/from.zip") as given, zipfile.ZipFile("/to.zip", "w", zipfile.ZIP_STORED) as made:
    for entry in given.infolist():
        name, content = entry.filename, given.read(entry)
        if name.endswith(".py"):
            code = compile(content, name, "exec", dont_inherit=True, optimize=2)
            name, content = f"{name}c", importlib.util.MAGIC_NUMBER + NEVER_CHECKED + marshal.dumps(code)
        made.writestr(zipfile.ZipInfo(name), content)
`);
fs.writeFileSync(to, pyodide.FS.readFile("/to.zip"));
