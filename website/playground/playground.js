// The playground's page. Asks Python, which runs in a worker, and shows what it says. What a link carries is text for
// the fields and nothing else: it is shown as text, and read by Python as data.

const FIELDS = ["policy", "origin", "method", "url", "headers", "credentials"];
const MAX_LINK = 40_000; // characters
const PATIENCE = 20_000; // milliseconds for one answer, which takes some hundredths of a second
const TOML = `allow_origins = ["https://app.example.com"]
allow_methods = ["PUT", "DELETE"]
allow_headers = ["Content-Type", "X-Request-Id"]
expose_headers = ["X-Total"]
max_age = 600
`;
const BEGINNING = {
  policy: TOML,
  origin: "https://app.example.com",
  method: "PUT",
  url: "https://api.example.com/orders/7",
  headers: "Content-Type: application/json\nX-Request-Id: 1",
  credentials: "same-origin",
};
const EXAMPLES = {
  "a page and its API": {},
  "a header is not listed": { headers: "Content-Type: application/json\nAuthorization: Bearer x" },
  "with cookies": {
    policy: 'allow_origins = ["https://app.example.com"]\nallow_credentials = true\n',
    method: "GET",
    headers: "",
    credentials: "include",
  },
  "any origin, with cookies": {
    policy: 'allow_origins = ["*"]\nallow_credentials = true\n',
    method: "GET",
    headers: "",
    credentials: "include",
  },
  "by path": {
    policy: '["/api/"]\nallow_origins = ["https://app.example.com"]\n\n["/fonts/"]\nallow_origins = ["*"]\n',
    method: "GET",
    url: "https://cdn.example.com/fonts/a.woff2",
    origin: "https://elsewhere.example",
    headers: "",
  },
  Python: {
    policy:
      "from corecors import Policy\n\npolicy = Policy(\n" +
      '    allow_origins=["https://*.example.com", "http://localhost:*"],\n    allow_methods=["PUT"],\n    max_age=60 * 60,\n)\n',
    origin: "https://app.eu.example.com",
    headers: "",
  },
};

const byId = (id) => document.getElementById(id);
const form = byId("question");
const meaning = byId("meaning");
const outcome = byId("outcome");
const details = byId("details");

// Python

const calls = new Map(); // by number: what to do with the result
let worker = null;
let called = 0;
let isReady = false;

function startPython() {
  show("loading");
  if (typeof WebAssembly !== "object" || typeof DecompressionStream === "undefined") {
    giveUp("This browser has no WebAssembly (or has it turned off), so Python cannot run in it.");
    return;
  }
  // A worker from a blob is under this page's Content-Security-Policy; one from an address would be under none.
  const line = `import ${JSON.stringify(new URL("worker.js", import.meta.url).href)};`;
  const address = URL.createObjectURL(new Blob([line], { type: "text/javascript" }));
  worker = new Worker(address, { type: "module" });
  worker.addEventListener("message", ({ data }) => hear(data));
  worker.addEventListener("error", (event) => {
    giveUp(`Python did not start here: ${event.message || "a part of it could not be loaded"}.`);
  });
}

function stopPython() {
  worker?.terminate();
  worker = null;
  isReady = false;
  byId("ask").disabled = true;
  for (const { fail } of calls.values()) {
    fail(new Error("stopped"));
  }
  calls.clear();
}

function giveUp(message) {
  stopPython();
  byId("failed-text").textContent = message;
  showCommand();
  show("failed");
}

function show(state) {
  byId("loading").hidden = state !== "loading";
  byId("failed").hidden = state !== "failed";
}

const HEARD = {
  progress({ loaded, total }) {
    byId("progress").value = loaded / total;
    byId("bytes").textContent = `${megabytes(loaded)} of ${megabytes(total)} MB, once: then it works without a network.`;
  },
  starting() {
    byId("loading-text").textContent = "Python is here, and the library starts…";
  },
  ready() {
    isReady = true;
    show("ready");
    byId("ask").disabled = false;
    ask();
  },
  failed({ message }) {
    giveUp(`Python did not start here: ${message}.`);
  },
  result({ id, text }) {
    calls.get(id)?.succeed(JSON.parse(text));
    calls.delete(id);
  },
  mistake({ id, message, isOver }) {
    calls.get(id)?.fail(new Error(message));
    calls.delete(id);
    if (isOver) {
      giveUp(`Python ended at that: ${message}.`);
    }
  },
};

function hear(data) {
  HEARD[data.kind](data);
}

function megabytes(bytes) {
  return (bytes / 1e6).toFixed(1);
}

// What Python makes of `argument`. Rejects where it takes too long, which it then does no more.
function callPython(call, argument) {
  called += 1;
  const id = called;
  return new Promise((resolve, reject) => {
    const tooLong = setTimeout(() => {
      giveUp("That took too long, and Python was stopped.");
    }, PATIENCE);
    const settled = (settle) => (value) => {
      clearTimeout(tooLong);
      settle(value);
    };
    calls.set(id, { succeed: settled(resolve), fail: settled(reject) });
    worker.postMessage({ id, call, text: JSON.stringify(argument) });
  });
}

// The fields and the link

function readForm() {
  return Object.fromEntries(FIELDS.map((name) => [name, form.elements[name].value]));
}

function fillForm(state) {
  for (const [name, value] of Object.entries(state)) {
    form.elements[name].value = value;
  }
  if (!form.elements.credentials.value) {
    form.elements.credentials.value = BEGINNING.credentials;
  }
}

function fragmentOf(state) {
  return `#${encodeURIComponent(JSON.stringify(state))}`;
}

// What the address says; null if it says nothing, or was cut.
function stateOfLink() {
  if (window.location.hash.length > MAX_LINK) {
    return null;
  }
  try {
    const state = JSON.parse(decodeURIComponent(window.location.hash.slice(1)));
    const known = FIELDS.filter((name) => typeof state?.[name] === "string");
    return known.length ? Object.fromEntries(known.map((name) => [name, state[name]])) : null;
  } catch {
    return null;
  }
}

function followLink() {
  const state = stateOfLink();
  if (state) {
    fillForm({ ...BEGINNING, ...state });
    meaning.replaceChildren();
    ask();
  }
}

function showExamples() {
  const links = Object.entries(EXAMPLES).map(([name, changes]) => {
    const link = element("a", name);
    link.href = fragmentOf({ ...BEGINNING, ...changes });
    link.addEventListener("click", (event) => {
      event.preventDefault();
      window.history.pushState(null, "", link.href); // also where the address says so already: the fields may not
      followLink();
    });
    return link;
  });
  byId("examples").append(...links.flatMap((link, number) => (number ? [", ", link] : [link])));
}

// The same question on the command line

function commandLine(state) {
  const quoted = (text) => (/^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`);
  const options = ["--origin", quoted(state.origin.trim())];
  const method = state.method.trim() || "GET";
  if (method !== "GET") {
    options.push("-X", quoted(method));
  }
  for (const line of listed(state.headers)) {
    options.push("-H", quoted(line));
  }
  const path = /^[a-z]+:\/\/[^/?#]*([^?#]*)/i.exec(state.url.trim())?.[1] || "/";
  if (path !== "/") {
    options.push("--path", quoted(path));
  }
  if (state.credentials === "include") {
    options.push("--credentials");
  }
  return `corecors check cors.toml ${options.join(" ")}`;
}

function showCommand() {
  byId("failed-command").textContent = `pip install "corecors[cli]"\n${commandLine(readForm())}`;
}

function listed(text) {
  return text
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line);
}

// Showing

function element(tag, text = "", className = "") {
  const made = document.createElement(tag);
  made.textContent = text;
  made.className = className;
  return made;
}

// Prose in which code stands between backticks.
function prose(tag, text, className = "") {
  const made = element(tag, "", className);
  made.append(...text.split("`").map((part, number) => (number % 2 ? element("code", part) : part)));
  return made;
}

function lineUp(pairs) {
  return element("pre", pairs.map(([name, value]) => `${name}: ${value}`).join("\n") || "no header that matters");
}

function listOf(items, className = "") {
  const list = element("ul", "", className);
  list.append(...items);
  return list;
}

function say(text, className = "") {
  outcome.replaceChildren(element("p", text, className));
}

function markField(name) {
  for (const each of FIELDS) {
    form.elements[each].removeAttribute("aria-invalid");
  }
  form.elements[name]?.setAttribute("aria-invalid", "true");
}

const ALWAYS = ", besides seven that it always can, Content-Type among them.";
const WENT = { passed: "passed", laxer: "passes in today's browsers only", failed: "FAILED", also: "would fail too" };

function checked({ went, says, fix, section, url }) {
  const item = element("li", "", `check ${went}`);
  const link = element("a", section);
  link.href = url;
  link.title = "The rule in the Fetch standard";
  if (went in WENT) {
    item.append(element("b", `${WENT[went]}: `));
  }
  item.append(`${says} `, link);
  if (fix) {
    item.append(element("p", fix, "fix"));
  }
  return item;
}

// `whole`: what is said of the course as a whole, which need not be said twice.
function stepOf(step, whole) {
  const item = element("li", "", "step");
  const checks = listOf(step.checks.map(checked), "checks");
  if (!step.method) {
    item.append(element("h3", "Before anything is sent"), checks);
    return item;
  }
  const kind = step.preflight ? "Preflight" : "Request";
  item.classList.add(step.allowed ? "allowed" : "blocked");
  item.append(element("h3", `${kind}: ${step.method} ${step.url}`));
  item.append(element("h4", "The browser sends"), lineUp(step.sent));
  item.append(element("h4", `The server answers ${step.status}`), lineUp(step.received));
  if (step.explanation !== whole) {
    item.append(element("p", step.explanation, step.allowed ? "agrees" : "differs"));
  }
  if (step.checks.length) {
    item.append(element("h4", "The browser looks at it"), checks);
  }
  return item;
}

function told({ says, advice }) {
  const item = element("li", says);
  if (advice) {
    item.append(element("p", `Fix: ${advice}.`, "fix"));
  }
  return item;
}

function showCourse(said, state) {
  const { course, steps, exposed, warnings } = said;
  outcome.replaceChildren(
    element("p", course.allowed ? "allowed" : "refused", `verdict ${course.allowed ? "agrees" : "differs"}`),
    element("p", course.explanation, "explanation"),
  );
  const list = element("ol", "", "steps");
  list.append(...steps.map((step) => stepOf(step, course.explanation)));
  details.append(element("h3", "Step by step"), list);
  if (exposed) {
    const named = exposed.map((name) => (name === "*" ? "all" : name)).join(", ");
    details.append(element("p", `Of the headers that the application adds, script can read ${named || "none"}${ALWAYS}`));
  }
  if (warnings.length) {
    details.append(element("h3", "Allowed in a policy, and rarely intended"), listOf(warnings.map(told), "warnings"));
  }
  details.append(element("h3", "The same on the command line"), element("pre", commandLine(state), "command"));
}

function showAnswer(said, state) {
  markField(said.unusable?.field ?? (said.problems ? "policy" : ""));
  details.replaceChildren();
  if (said.unusable) {
    say(said.unusable.message, "differs");
  } else if (said.problems) {
    say(`A policy refuses to be this (read as ${said.read_as}):`, "differs");
    outcome.append(listOf(said.problems.map(told), "problems"));
  } else {
    showCourse(said, state);
  }
  byId("link").href = fragmentOf(said.link);
  byId("copied").textContent = "";
  byId("share").hidden = false;
}

async function ask() {
  if (!isReady) {
    return;
  }
  const state = readForm();
  try {
    showAnswer(await callPython("answer", state), state);
    performance.mark("answered");
  } catch (error) {
    sayMistake(error);
  }
}

function sayMistake(error) {
  if (error.message !== "stopped") {
    const last = error.message.trim().split("\n").at(-1);
    say(`That is a mistake in the playground; please report it with what you asked: ${last}`, "differs");
    details.replaceChildren();
  }
}

function lookAtResult() {
  byId("result").scrollIntoView({ block: "nearest" });
}

// What was pasted

const NAMES = { url: "the address", origin: "the page's origin", method: "the method", headers: "the headers" };

function showMeaning({ message, left_out: leftOut, fields }) {
  meaning.replaceChildren();
  const filled = Object.keys(fields).map((name) => NAMES[name] ?? "the credentials mode");
  if (message) {
    const more = element("a", "More about it, with the fix for your server");
    more.href = `../errors.html#${message.topic}`;
    const last = element("p");
    last.append(more);
    meaning.append(
      element("h3", `The message means: ${message.title}`),
      prose("p", `Cause: ${message.cause}`, "cause"),
      prose("p", `Fix: ${message.fix}`, "fix"),
      last,
      element("h4", "What your server really says"),
      element("pre", message.next),
    );
  } else {
    meaning.append(element("h3", "Read as a curl command"));
    if (leftOut.length) {
      meaning.append(element("p", `Left out, because the browser adds them by itself: ${leftOut.join(", ")}.`));
    }
  }
  if (filled.length) {
    const secrets = message ? "" : " Tokens and passwords are masked: they decide nothing here.";
    meaning.append(element("p", `Filled in: ${filled.join(", ")}.${secrets}`));
  }
  meaning.append(
    element("h3", "Under the policy in the form"),
    element("p", "Put your own there, and press Answer: as it stands, the request is"),
  );
}

async function readPasted() {
  if (!isReady) {
    meaning.replaceChildren(element("p", "Python is still loading; then this can be read."));
    return;
  }
  try {
    const said = await callPython("pasted", byId("pasted").value);
    if (said.unusable) {
      meaning.replaceChildren(element("p", said.unusable, "differs"));
    } else {
      fillForm({ ...(said.message ? { method: "GET", headers: "" } : {}), ...said.fields });
      showMeaning(said);
      await ask();
    }
  } catch (error) {
    sayMistake(error);
  }
  lookAtResult();
}

async function copyLink() {
  try {
    await navigator.clipboard.writeText(byId("link").href);
    byId("copied").textContent = "Copied.";
  } catch {
    window.location.hash = byId("link").hash;
    byId("copied").textContent = "The link stands in the address bar now.";
  }
}

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  await ask();
  lookAtResult();
});
form.addEventListener("input", showCommand);
byId("paste").addEventListener("submit", (event) => {
  event.preventDefault();
  readPasted();
});
byId("copy").addEventListener("click", copyLink);
byId("retry").addEventListener("click", startPython);
window.addEventListener("hashchange", followLink);
showExamples();
fillForm({ ...BEGINNING, ...stateOfLink() });
startPython();
