"use strict";

// The playground: sends the visitor's policy to the page's server, makes the visitor's request, and shows what passed.

const form = document.getElementById("play");
const played = document.getElementById("played");
const exchangeList = document.getElementById("exchanges");
const link = document.getElementById("link");
const PAGE = "PAGE"; // stands for this page's origin in a link, since the port is another one with each start

const BEGINNING = {
  allow_origins: PAGE,
  allow_methods: "PUT, DELETE",
  allow_headers: "Content-Type, X-Token",
  expose_headers: "X-Total",
  max_age: "600",
  allow_credentials: false,
  dangerously_allow_null_origin: false,
  debug: false,
  by: "page",
  method: "PUT",
  headers: "Content-Type: application/json\nX-Token: 1",
  body: "{}",
  credentials: false,
};

function readForm() {
  const state = {};
  for (const name of Object.keys(BEGINNING)) {
    const field = form.elements[name];
    state[name] = field.type === "checkbox" ? field.checked : field.value;
  }
  return state;
}

function fillForm(state) {
  for (const name of Object.keys(BEGINNING)) {
    const field = form.elements[name];
    const value = name in state ? state[name] : BEGINNING[name];
    if (field.type === "checkbox") {
      field.checked = value === true;
    } else {
      field.value = name === "allow_origins" ? String(value).replaceAll(PAGE, window.location.origin) : String(value);
    }
  }
  showLink();
}

function showLink() {
  const state = readForm();
  state.allow_origins = state.allow_origins.replaceAll(window.location.origin, PAGE);
  link.href = `#${encodeURIComponent(JSON.stringify(state))}`;
}

// What the address says of policy and request; null if it says nothing, or was cut.
function stateOfLink() {
  try {
    const state = JSON.parse(decodeURIComponent(window.location.hash.slice(1)));
    return state && typeof state === "object" ? state : null;
  } catch {
    return null;
  }
}

function followLink() {
  const state = stateOfLink();
  if (state) {
    fillForm(state);
    document.getElementById("playground").scrollIntoView();
  }
}

function listed(text, separator) {
  return text.split(separator).map((entry) => entry.trim()).filter((entry) => entry);
}

function policyOf(state) {
  const policy = {
    allow_origins: listed(state.allow_origins, "\n"),
    allow_methods: listed(state.allow_methods, ","),
    allow_headers: listed(state.allow_headers, ","),
    expose_headers: listed(state.expose_headers, ","),
    allow_credentials: state.allow_credentials,
    dangerously_allow_null_origin: state.dangerously_allow_null_origin,
    debug: state.debug,
  };
  const seconds = state.max_age.trim();
  if (seconds) {
    policy.max_age = /^-?[0-9]+$/.test(seconds) ? Number(seconds) : seconds;
  }
  return policy;
}

function attemptOf(state, site, path) {
  const frames = { stranger: site.stranger, sandbox: window.location.origin };
  return {
    by: state.by,
    origin: state.by,
    frame: frames[state.by] || "",
    url: site.api + path,
    method: state.method.trim() || "GET",
    headers: listed(state.headers, "\n").map((line) => {
      const colon = line.indexOf(":");
      return colon < 0 ? [line, ""] : [line.slice(0, colon).trim(), line.slice(colon + 1).trim()];
    }),
    credentials: state.credentials ? "include" : "same-origin",
    body: state.body || undefined,
  };
}

function say(text, className) {
  played.replaceChildren(element("p", text, className));
}

function showProblems(problems) {
  say("A policy refuses to be this:", "differs");
  const list = document.createElement("ul");
  list.append(...problems.map((problem) => element("li", problem)));
  played.append(list);
}

function lineUp(pairs) {
  return pairs.map(([name, value]) => `${name}: ${value}`).join("\n");
}

function showExchange(exchange, attempt) {
  const item = document.createElement("li");
  item.className = exchange.allowed ? "allowed" : "blocked";
  const title = exchange.kind === "preflight" ? "Preflight" : "Request";
  item.append(element("h3", `${title}: ${exchange.method}, answered with ${exchange.status}`));
  item.append(element("p", exchange.explanation, exchange.allowed ? "agrees" : "differs"));
  const own = exchange.kind === "preflight" ? [] : attempt.headers;
  const sent = element("pre", lineUp([...exchange.asked, ...own]) || "no header that matters");
  const received = element("pre", lineUp(exchange.answered));
  item.append(element("h4", "Sent"), sent, element("h4", "Came back"), received);
  exchangeList.append(item);
}

async function play(event) {
  event.preventDefault();
  const state = readForm();
  const button = document.getElementById("run");
  button.disabled = true;
  exchangeList.replaceChildren();
  say("Running…", "");
  try {
    const site = await (await fetch("cases.json")).json();
    const body = JSON.stringify(policyOf(state));
    const headers = { "Content-Type": "application/json" };
    const begun = await (await fetch("playground", { method: "POST", headers, body })).json();
    if (begun.problems) {
      showProblems(begun.problems);
      return;
    }
    const attempt = attemptOf(state, site, begun.path);
    const outcome = await (attempt.frame ? tryInFrame(attempt) : tryCase(attempt));
    const { exchanges } = await (await fetch(begun.exchanges.slice(1))).json();
    if (outcome.readable) {
      say(`This browser let the page read the answer: ${describe(outcome)}.`, "agrees");
    } else if (exchanges.length === 0) {
      say(`This browser sent nothing: ${outcome.error}.`, "differs");
    } else {
      say(`This browser kept the answer from the page: ${outcome.error}. Its console says why; so does this:`, "differs");
    }
    for (const exchange of exchanges) {
      showExchange(exchange, attempt);
    }
  } catch (error) {
    say(`The demo's server did not answer: ${error}.`, "differs");
  } finally {
    document.getElementById("result").scrollIntoView({ block: "nearest" });
    button.disabled = false;
  }
}

form.addEventListener("input", showLink);
form.addEventListener("submit", play);
window.addEventListener("hashchange", followLink);
fillForm({});
followLink();
