// Runs the jobs that the page's own server has for this page, one after the other, and reports each outcome to it.
"use strict";

// Where an act can run besides the page itself. Each gives a function from an act to the promise of its outcome.
const places = {
  page: async () => perform,

  // Without allow-same-origin the frame's origin is opaque, serialised as "null".
  async sandbox() {
    const frame = document.createElement("iframe");
    frame.sandbox = "allow-scripts";
    frame.src = "/frame";
    await new Promise((resolve) => {
      frame.onload = resolve;
      document.body.append(frame);
    });
    return (act) => {
      const channel = new MessageChannel();
      const outcome = new Promise((resolve) => (channel.port1.onmessage = (event) => resolve(event.data)));
      frame.contentWindow.postMessage(act, "*", [channel.port2]);
      return outcome;
    };
  },

  worker: async () => workerPlace("/worker.js"),

  // A data: URL has an opaque origin, so its worker has too.
  async "data worker"() {
    const source = await (await fetch("/worker.js")).text();
    return workerPlace(`data:text/javascript;charset=utf-8,${encodeURIComponent(source)}`);
  },
};

function workerPlace(url) {
  const worker = new Worker(url);
  return (act) =>
    new Promise((resolve) => {
      worker.onmessage = (event) => resolve(event.data);
      worker.onerror = (event) => resolve(`worker failed: ${event.message}`);
      worker.postMessage(act);
    });
}

async function report(path, value) {
  await fetch(path, { method: "POST", body: JSON.stringify(value) });
}

async function run() {
  document.cookie = "session=1; path=/";
  document.cookie = "fresh=; path=/page; max-age=0"; // of an earlier visit
  const visit = new URLSearchParams(location.search).get("visit");
  const jobs = await (await fetch(`/jobs?visit=${visit}`)).json();
  const ready = new Map();
  for (const act of jobs) {
    if (!ready.has(act.place)) ready.set(act.place, await places[act.place]());
    await report(`/outcome?visit=${visit}`, { job: act.job, outcome: await ready.get(act.place)(act) });
  }
  await report(`/finished?visit=${visit}`, null);
}

run();
