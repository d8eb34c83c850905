// "Copy as cURL" of three browsers, run on requests. The code that is run is the browsers' own, read from where npm or an
// installed browser keeps it; here is only what stands around it.
//
// Standard input: {"chromium", "webkit", "firefox": the files that hold it, "typescript": the module that reads the first
// two, "requests": [{"url", "method", "headers": [[name, value]], "body": text or null}]}
// Standard output: {"Chromium": [[command, for bash], ...], ...}, for each generator in the order of the requests; of a
// command for cmd also one for bash that gives curl what it would get on Windows.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

const input = JSON.parse(readFileSync(0, "utf8"));
const ts = createRequire(import.meta.url)(input.typescript);

/** The members of the class that has a method of that name, by their names, as text. */
function membersBeside(name, text, kind) {
  const file = ts.createSourceFile("file", text, ts.ScriptTarget.Latest, true, kind);
  let found = null;
  (function look(node) {
    if (ts.isClassLike(node) && node.members.some((member) => member.name?.getText() === name)) found = node;
    if (found === null) ts.forEachChild(node, look);
  })(file);
  if (found === null) throw new Error(`nothing is called ${name} there`);
  return new Map(found.members.map((member) => [member.name?.getText(), member.getText()]));
}

/** Text as it arrives on Windows: without what a generator leaves out (`lost`), and with what it writes too much. */
const onWindows = (lost) => (text) =>
  text
    .replace(lost, " ")
    .replace(/\r\n?/g, "\n")
    // They double each backslash, and a program on Windows reads two as one before a quotation mark alone.
    .replace(/\\+(?=[^"\\])/g, "$&$&");

function chromium() {
  const members = membersBeside("generateCurlCommand", readFileSync(input.chromium, "utf8"), ts.ScriptKind.TS);
  const wanted = new Set(["generateCurlCommand"]);
  for (const name of wanted) {
    for (const [, used] of members.get(name).matchAll(/\bNetworkLogView\.(#?\w+)/g)) wanted.add(used);
  }
  const source = `class NetworkLogView { ${[...wanted].map((name) => members.get(name)).join("\n")} }`;
  const { outputText } = ts.transpileModule(source, { compilerOptions: { target: ts.ScriptTarget.ES2022 } });
  const Protocol = { Security: { SecurityState: { Insecure: "insecure" } } };
  const { generateCurlCommand } = new Function("Protocol", `${outputText}; return NetworkLogView;`)(Protocol);
  return (platform) => ({ url, method, headers, body }) =>
    generateCurlCommand(
      {
        url: () => url,
        requestMethod: method,
        requestHeaders: () => headers.map(([name, value]) => ({ name, value })),
        requestFormData: async () => body,
        securityState: () => "neutral",
      },
      platform,
    );
}

function firefox() {
  const exports = {};
  new Function("exports", readFileSync(input.firefox, "utf8"))(exports);
  const own = exports.CurlUtils.escapeStringPosix;
  return (platform, quote = own) => ({ url, method, headers, body }) => {
    exports.CurlUtils.escapeStringPosix = quote;
    const pairs = headers.map(([name, value]) => ({ name, value }));
    const data = { url, method, headers: pairs, postDataText: body ?? undefined, responseHeaders: [] };
    return exports.Curl.generateCommand(data, platform);
  };
}

function webkit() {
  const text = readFileSync(input.webkit, "utf8");
  const method = membersBeside("generateCURLCommand", text, ts.ScriptKind.JS).get("generateCURLCommand");
  const WI = { HTTPUtilities: { RequestMethod: { GET: "GET" } } };
  const { generateCURLCommand } = new Function("WI", `return { ${method} };`)(WI);
  return ({ url, method: requestMethod, headers, body }) =>
    generateCURLCommand.call({
      url,
      requestMethod,
      requestHeaders: Object.fromEntries(headers),
      requestDataContentType: headers.find(([name]) => name.toLowerCase() === "content-type")?.[1] ?? null,
      requestData: body,
    });
}

const [byChromium, byFirefox, byWebKit] = [chromium(), firefox(), webkit()];
const generators = {
  Chromium: [byChromium("unix")],
  Firefox: [byFirefox("Linux")],
  WebKit: [byWebKit],
  "Chromium for cmd": [byChromium("win"), chromiumOnWindows],
  "Firefox for cmd": [byFirefox("WINNT"), byFirefox("Linux", (text) => quoted(onWindows(/[^\S\r\n]/g)(text)))],
};

/** Quoted for bash by the simplest rule that there is. */
function quoted(text) {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

function chromiumOnWindows(request) {
  const carried = onWindows(/[^ -~\r\n]/g);
  const headers = request.headers.map(([name, value]) => [name, carried(value)]);
  return byChromium("unix")({ ...request, headers, body: request.body && carried(request.body) });
}

const commands = {};
for (const [name, [written, forBash = written]] of Object.entries(generators)) {
  commands[name] = [];
  for (const request of input.requests) commands[name].push([await written(request), await forBash(request)]);
}
process.stdout.write(JSON.stringify(commands));
