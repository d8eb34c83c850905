// Runs Python. Loads Pyodide and the library, then answers one call after the other; once it has loaded it fetches nothing.
//
// It is started by a blob of one line that imports it, because only so does the page's Content-Security-Policy hold here.

import { FILES } from "./runtime.js";

const ownFetch = self.fetch.bind(self);
const loaded = {};
let handle;

function reportProgress() {
  const files = Object.values(FILES);
  const total = files.reduce((sum, file) => sum + file.bytes, 0);
  self.postMessage({ kind: "progress", loaded: Object.values(loaded).reduce((sum, bytes) => sum + bytes, 0), total });
}

// The address of one of FILES, which changes with its content: a cache never mixes two versions.
function addressOf(name) {
  const { file, version } = FILES[name];
  return new URL(`${file}?${version}`, import.meta.url).href;
}

async function unpacked(name, type) {
  const response = await ownFetch(addressOf(name));
  if (!response.ok) {
    throw new Error(`${FILES[name].file} is answered with ${response.status}`);
  }
  loaded[name] = 0;
  const counting = new TransformStream({
    transform(chunk, controller) {
      loaded[name] += chunk.length;
      reportProgress();
      controller.enqueue(chunk);
    },
  });
  const stream = response.body.pipeThrough(counting).pipeThrough(new DecompressionStream("gzip"));
  return new Response(stream, { headers: { "Content-Type": type } });
}

async function imported(name) {
  const module = await import(addressOf(name));
  loaded[name] = FILES[name].bytes;
  reportProgress();
  return module;
}

async function load() {
  const wasm = unpacked("pyodide.asm.wasm", "application/wasm");
  const modules = unpacked("modules.zip", "application/zip");
  const [{ loadPyodide }, { default: createPyodideModule }] = await Promise.all([
    imported("pyodide.mjs"),
    imported("pyodide.asm.mjs"),
  ]);
  await Promise.all([wasm, modules]);
  // Pyodide fetches these two by itself, and gets what is on its way already. Anything else it would not get.
  self.fetch = (address) => {
    if (String(address).endsWith(".wasm")) {
      return wasm;
    }
    return String(address).endsWith("modules.zip") ? modules : Promise.reject(new Error(`${address} is not fetched`));
  };
  const pyodide = await loadPyodide({
    indexURL: new URL(".", import.meta.url).href,
    stdLibURL: new URL("modules.zip", import.meta.url).href,
    createPyodideModule,
    lockFileContents: { info: FILES["pyodide.asm.wasm"].platform, packages: {} }, // no package is ever loaded
    packageBaseUrl: "about:blank",
    env: { PYTHONDONTWRITEBYTECODE: "1" },
  });
  self.postMessage({ kind: "starting" });
  handle = pyodide.pyimport("corecors_playground").handle;
}

const ready = Object.keys(FILES).length === 0 ? Promise.reject(new Error("it was built without Python")) : load();
ready.then(
  () => self.postMessage({ kind: "ready" }),
  (error) => self.postMessage({ kind: "failed", message: String(error.message ?? error) }),
);

self.addEventListener("message", async ({ data }) => {
  const { id, call, text } = data;
  try {
    await ready;
    self.postMessage({ kind: "result", id, text: handle(call, text) });
  } catch (error) {
    // An exception of Python's leaves it as it was; anything else, a stack that overflows say, is its end.
    const isOver = error.constructor.name !== "PythonError";
    self.postMessage({ kind: "mistake", id, message: String(error.message ?? error), isOver });
  }
});
