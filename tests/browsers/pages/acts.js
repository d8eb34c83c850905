// What a page can do to reach another origin. Each act ends in one line of text: what the script got to see.
// Runs in a page, in a sandboxed frame and in a worker; only `window`-bound acts need a document.
"use strict";

const BLOCKED = "blocked"; // the browser kept the answer from the script, in the form that the API documents for it

async function answer(response, act) {
  const parts = [String(response.status)];
  const body = act.method === "HEAD" ? "" : await response.text();
  if (body) parts.push(body);
  for (const name of act.read) parts.push(`${name}=${response.headers.get(name) ?? "hidden"}`);
  return parts.join(" ");
}

function init(act) {
  const chosen = { method: act.method, headers: act.headers, credentials: act.credentials, ...act.options };
  if (act.body !== null) chosen.body = act.body;
  return chosen;
}

const acts = {
  async fetch(act) {
    let response;
    try {
      response = await fetch(act.url, init(act));
    } catch (failure) {
      return failure instanceof TypeError ? BLOCKED : `failed with ${failure}`;
    }
    return answer(response, act);
  },

  // The body as it comes, chunk by chunk.
  async stream(act) {
    let response;
    try {
      response = await fetch(act.url, init(act));
    } catch (failure) {
      return failure instanceof TypeError ? BLOCKED : `failed with ${failure}`;
    }
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
    let text = "";
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return `${response.status} ${text}`;
      text += value;
    }
  },

  xhr(act) {
    return new Promise((resolve) => {
      const request = new XMLHttpRequest();
      request.open(act.method, act.url);
      request.withCredentials = act.credentials === "include";
      for (const [name, value] of Object.entries(act.headers)) request.setRequestHeader(name, value);
      if (act.options.uploadListener) request.upload.addEventListener("progress", () => {});
      request.onerror = () => {
        const empty = request.status === 0 && request.responseText === "" && request.getAllResponseHeaders() === "";
        resolve(empty ? BLOCKED : `error, but status ${request.status} ${request.responseText}`);
      };
      request.onload = () => {
        const parts = [String(request.status)];
        if (request.responseText) parts.push(request.responseText);
        // All names that the browser hands over, so a header too many is as visible as one too few.
        const all = new Map(
          request.getAllResponseHeaders().trim().split("\r\n").map((line) => [line.split(":")[0].toLowerCase(), line]),
        );
        for (const name of act.read) parts.push(`${name}=${all.has(name.toLowerCase()) ? request.getResponseHeader(name) : "hidden"}`);
        resolve(parts.join(" "));
      };
      request.send(act.body);
    });
  },

  // options.crossorigin: the attribute, or null for an image without it.
  image(act) {
    return new Promise((resolve) => {
      const image = new Image();
      if (act.options.crossorigin !== null) image.crossOrigin = act.options.crossorigin;
      image.onerror = () => resolve(BLOCKED);
      image.onload = () => {
        const canvas = document.createElement("canvas");
        canvas.width = canvas.height = 1;
        const context = canvas.getContext("2d");
        context.drawImage(image, 0, 0);
        try {
          context.getImageData(0, 0, 1, 1);
          resolve("loaded, pixels readable");
        } catch (failure) {
          resolve(`loaded, pixels not readable: ${failure.name}`);
        }
      };
      image.src = act.url;
    });
  },

  // options.type: "module" or "classic"; options.crossorigin as above.
  script(act) {
    return new Promise((resolve) => {
      const script = document.createElement("script");
      if (act.options.type === "module") script.type = "module";
      if (act.options.crossorigin !== null) script.crossOrigin = act.options.crossorigin;
      let thrown = "";
      const listener = (event) => {
        thrown = event.message.includes("inner detail") ? ", its error readable" : `, its error hidden: ${event.message}`;
        event.preventDefault();
      };
      addEventListener("error", listener);
      const end = (outcome) => {
        removeEventListener("error", listener);
        script.remove();
        resolve(outcome);
      };
      script.onerror = () => end(BLOCKED);
      script.onload = () => end(`loaded${thrown}`);
      script.src = act.url;
      document.head.append(script);
    });
  },

  async dynamicImport(act) {
    try {
      return `loaded, exports ${(await import(act.url)).name}`;
    } catch (failure) {
      return failure instanceof TypeError ? BLOCKED : `failed with ${failure}`;
    }
  },

  stylesheet(act) {
    return new Promise((resolve) => {
      const link = document.createElement("link");
      link.rel = "stylesheet";
      if (act.options.crossorigin !== null) link.crossOrigin = act.options.crossorigin;
      link.onerror = () => {
        link.remove();
        resolve(BLOCKED);
      };
      link.onload = () => {
        let outcome;
        try {
          outcome = `loaded, ${link.sheet.cssRules.length} rule readable`;
        } catch (failure) {
          outcome = `loaded, rules not readable: ${failure.name}`;
        }
        link.remove();
        resolve(outcome);
      };
      link.href = act.url;
      document.head.append(link);
    });
  },

  async font(act) {
    try {
      await new FontFace("tested", `url("${act.url}")`).load();
      return "loaded";
    } catch (failure) {
      return failure.name === "NetworkError" ? BLOCKED : `failed with ${failure}`;
    }
  },

  events(act) {
    return new Promise((resolve) => {
      const source = new EventSource(act.url, { withCredentials: act.credentials === "include" });
      const end = (outcome) => {
        source.close();
        resolve(outcome);
      };
      source.onmessage = (event) => end(`message ${event.data}`);
      // A refused source is closed for good; any other trouble would show as a reconnection.
      source.onerror = () => end(source.readyState === EventSource.CLOSED ? BLOCKED : "reconnecting");
    });
  },

  // A beacon has no outcome for the script. What the server saw of it is the outcome; options.until is the method to wait for.
  async beacon(act) {
    const queued = navigator.sendBeacon(act.url, new Blob([act.body], { type: act.headers["Content-Type"] }));
    if (!queued) return "not queued";
    return arrived(act);
  },

  // A frame that sends with `keepalive` while it goes away.
  async leaving(act) {
    const frame = document.createElement("iframe");
    frame.src = "/frame";
    await new Promise((resolve) => {
      frame.onload = resolve;
      document.body.append(frame);
    });
    const inside = frame.contentWindow;
    inside.addEventListener("pagehide", () => {
      inside.fetch(act.url, { ...init(act), keepalive: true }).catch(() => {});
    });
    frame.remove();
    return arrived(act);
  },

  async timing(act) {
    performance.clearResourceTimings();
    const outcome = await acts.fetch(act);
    const entry = await resourceTiming(act.url);
    return `${outcome}, ${entry.responseStart > 0 ? "timings readable" : "timings hidden"}`;
  },

  // What `document.cookie` holds under the name options.name.
  async cookie(act) {
    const found = document.cookie.split("; ").find((pair) => pair.startsWith(`${act.options.name}=`));
    return found ?? "no cookie";
  },
};

function resourceTiming(url) {
  return new Promise((resolve) => {
    const look = () => {
      const [entry] = performance.getEntriesByName(url, "resource");
      if (entry) resolve(entry);
      else setTimeout(look, 5); // the entry is queued after the answer is handed over
    };
    look();
  });
}

// Waits, on the page's own server, until the API has seen a request with the method options.until.
async function arrived(act) {
  const response = await fetch(`/arrived?visit=${act.visit}&job=${act.job}&method=${act.options.until}`);
  return response.text();
}

function perform(act) {
  const limit = new Promise((resolve) => setTimeout(() => resolve(`no outcome in ${act.seconds} seconds`), 1000 * act.seconds));
  const outcome = Promise.resolve().then(() => acts[act.do](act)).catch((failure) => `failed with ${failure}`);
  return Promise.race([outcome, limit]);
}
