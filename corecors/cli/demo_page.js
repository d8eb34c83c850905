"use strict";

// Runs the cases of cases.json one after the other and shows each outcome beside what the policy says.

const summary = document.getElementById("summary");
const again = document.getElementById("again");
const rows = document.getElementById("cases");
const frames = new Map();

function element(name, text, className = "") {
  const made = document.createElement(name);
  made.textContent = text;
  made.className = className;
  return made;
}

// A frame of the origin that the case is tried from, loaded and ready for messages.
function frameFor(attempt) {
  if (!frames.has(attempt.by)) {
    const frame = document.createElement("iframe");
    frame.title = `A page of the origin ${attempt.origin}`;
    if (attempt.by === "sandbox") {
      frame.setAttribute("sandbox", "allow-scripts");
    }
    frame.src = `${attempt.frame}/demo_frame.html`;
    frames.set(attempt.by, new Promise((resolve) => frame.addEventListener("load", () => resolve(frame))));
    document.getElementById("frames").append(frame);
  }
  return frames.get(attempt.by);
}

async function tryInFrame(attempt) {
  const frame = await frameFor(attempt);
  const channel = new MessageChannel();
  const answer = new Promise((resolve) => {
    channel.port1.onmessage = (event) => resolve(event.data);
  });
  // A sandboxed frame has no origin that could be named here.
  const target = attempt.by === "sandbox" ? "*" : attempt.frame;
  frame.contentWindow.postMessage(attempt, target, [channel.port2]);
  const outcome = await answer;
  channel.port1.close();
  return outcome;
}

function describe(outcome) {
  if (!outcome.readable) {
    return `nothing: ${outcome.error}`;
  }
  return `${outcome.status}, ${outcome.length} characters; ${outcome.headers.join(", ")}`;
}

const COLUMNS = ["Request", "Policy", "Browser", "Result"];

function rowFor(attempt) {
  const row = document.createElement("tr");
  const name = element("th", attempt.name);
  name.scope = "row";
  const request = element("td", "");
  request.append(element("code", `${attempt.method} ${new URL(attempt.url).pathname}`));
  const more = attempt.headers.map(([header, value]) => `${header}: ${value}`);
  if (attempt.origin !== window.location.origin) {
    more.unshift(`from ${attempt.origin}`);
  }
  if (attempt.credentials === "include") {
    more.push("with cookies");
  }
  request.append(...more.map((line) => element("p", line)));
  const policy = element("td", attempt.readable ? "readable" : `nothing: ${attempt.why}`);
  const cells = [request, policy, element("td", "…"), element("td", "…")];
  // The style for narrow windows makes blocks of all this; the roles stay what they are in a table.
  row.role = "row";
  row.className = attempt.readable ? "allowed" : "blocked";
  name.role = "rowheader";
  cells.forEach((cell, column) => {
    cell.role = "cell";
    cell.dataset.column = COLUMNS[column];
  });
  row.append(name, ...cells);
  rows.append(row);
  return row;
}

function show(row, seen, result, className) {
  row.children[3].textContent = seen;
  row.children[4].textContent = result;
  row.children[4].className = className;
}

async function run() {
  again.disabled = true;
  rows.replaceChildren();
  const { api, cases, policies } = await (await fetch("cases.json")).json();
  document.getElementById("policies").textContent = policies;
  document.getElementById("page-origin").textContent = window.location.origin;
  document.getElementById("api-origin").textContent = api;
  const pending = cases.map((attempt) => [attempt, rowFor(attempt)]);
  let tried = 0;
  const different = [];
  for (const [attempt, row] of pending) {
    if (!attempt.frame && attempt.origin !== window.location.origin) {
      show(row, "not tried", "–", "");
      continue;
    }
    const outcome = await (attempt.frame ? tryInFrame(attempt) : tryCase(attempt));
    const agrees = outcome.readable === attempt.readable;
    tried += 1;
    if (!agrees) {
      different.push(attempt.name);
    }
    show(row, describe(outcome), agrees ? "agrees" : "differs", agrees ? "agrees" : "differs");
  }
  summary.textContent = different.length
    ? `${different.length} of ${tried} cases did not end as the policy says: ${different.join(", ")}.`
    : `All ${tried} cases ended as the policy says.`;
  again.disabled = false;
}

again.addEventListener("click", run);
run();
