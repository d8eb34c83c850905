// Waits for acts from the page, in a frame (through a port) or in a worker.
"use strict";

addEventListener("message", async (event) => {
  const reply = event.ports.length ? event.ports[0] : self;
  reply.postMessage(await perform(event.data));
});
