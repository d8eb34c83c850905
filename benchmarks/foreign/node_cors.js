// What Node's cors costs a request beyond the bare handler. Sizes are the arguments; prints {"scenario": nanoseconds}.
'use strict';
const cors = require('cors');

const ROUNDS = 300, BATCH = 100;
const METHODS = ['GET', 'PUT', 'DELETE'], HEADERS = ['Authorization', 'Content-Type', 'X-Request-ID'];

// A new string each time, its hash not known.
const fresh = (text) => Buffer.from(text, 'latin1').toString('latin1');

class Response {
  constructor() { this.headers = new Map(); this.statusCode = 200; }
  getHeader(name) { return this.headers.get(name.toLowerCase()); }
  setHeader(name, value) { this.headers.set(name.toLowerCase(), value); }
  end() {}
}

function app(request, response) {
  response.setHeader('Content-Type', 'text/plain');
  response.setHeader('Content-Length', '2');
  response.end('ok');
}

function timeBatch(handle, makeRequest) {
  const requests = Array.from({ length: BATCH }, (_, index) => makeRequest(index));
  const responses = requests.map(() => new Response());
  const began = process.hrtime.bigint();
  for (let index = 0; index < BATCH; index++) handle(requests[index], responses[index]);
  return Number(process.hrtime.bigint() - began) / BATCH;
}

function measure(wrapped, makeRequest, seconds) {
  let bare = Infinity, total = Infinity;
  const deadline = Date.now() + seconds * 1000;
  // Many rounds before those that count: V8 compiles what is hot.
  for (let round = 0; round < ROUNDS; round++) {
    bare = Math.min(bare, timeBatch(app, makeRequest));
    total = Math.min(total, timeBatch(wrapped, makeRequest));
    if (round > 3 && Date.now() > deadline) break;
  }
  return { bare, total };
}

const results = {};
for (const size of process.argv.slice(2).map(Number)) {
  const origins = Array.from({ length: size }, (_, i) => `https://site${String(i).padStart(7, '0')}.partner.example`);
  const middleware = cors({
    origin: origins, methods: METHODS, allowedHeaders: HEADERS, exposedHeaders: ['X-Total'], credentials: true, maxAge: 600,
  });
  const wrapped = (request, response) => middleware(request, response, () => app(request, response));
  const step = Math.max(1, Math.floor(size / 10));
  const allowed = (index) => origins[(index % 10) * step];
  const refused = (index) => `https://x${String(index % 10).padStart(7, '0')}.attacker.example`;
  const actual = (origin) => (index) => ({
    method: 'GET', headers: origin ? { host: 'api.service.example', origin: fresh(origin(index)) } : { host: 'api.service.example' },
  });
  const preflight = (origin) => (index) => ({
    method: 'OPTIONS',
    headers: {
      host: 'api.service.example', origin: fresh(origin(index)), 'access-control-request-method': 'DELETE',
      'access-control-request-headers': fresh('authorization,content-type'),
    },
  });
  const label = `${size.toLocaleString('en-US')} origins`;
  for (const [family, makeRequest, isPreflight] of [
    ['no Origin', actual(null), false], ['allowed', actual(allowed), false], ['refused', actual(refused), false],
    ['preflight allowed', preflight(allowed), true], ['preflight refused', preflight(refused), true],
  ]) {
    const { bare, total } = measure(wrapped, makeRequest, 1.5);
    results[`${family}, ${label}`] = isPreflight ? total : total - bare;
  }
}
process.stdout.write(JSON.stringify(results));
