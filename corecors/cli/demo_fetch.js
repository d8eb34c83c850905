"use strict";

// Tries one case and tells what a script could read of the response. In a frame, does so for the page around it: that
// page cannot be of another origin itself.

async function tryCase(attempt) {
  try {
    const response = await fetch(attempt.url, {
      method: attempt.method,
      headers: attempt.headers,
      credentials: attempt.credentials,
      body: attempt.body,
    });
    const body = await response.text();
    return { readable: true, status: response.status, headers: [...response.headers.keys()], length: body.length };
  } catch (error) {
    return { readable: false, error: String(error) };
  }
}

if (window.parent !== window) {
  window.addEventListener("message", async (event) => {
    if (event.source === window.parent) {
      event.ports[0].postMessage(await tryCase(event.data));
    }
  });
}
