import assert from "node:assert/strict";
import http from "node:http";
import net, { type AddressInfo } from "node:net";
import { type TestContext, test } from "node:test";
import { ask, NoAnswer } from "../lib/backend";

type Handler = (request: http.IncomingMessage, response: http.ServerResponse, number: number) => void;

/** A backend that counts its requests; ended with the test. */
async function serving(t: TestContext, handler: Handler, port = 0) {
  const seen: string[] = [];
  const server = http.createServer((request, response) => {
    seen.push(`${request.method} ${request.url} ${request.headers.connection}`);
    handler(request, response, seen.length);
  });
  await new Promise<void>((listening) => server.listen(port, "127.0.0.1", listening));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return { seen, address: new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}/api/todos?q=1`) };
}

async function freePort(): Promise<number> {
  const server = net.createServer();
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  const { port } = server.address() as AddressInfo;
  await new Promise((closed) => server.close(closed));
  return port;
}

function refusal(wanted: Pick<NoAnswer, "sent" | "late">): (error: unknown) => boolean {
  return (error) => {
    assert.ok(error instanceof NoAnswer);
    assert.deepEqual({ sent: error.sent, late: error.late }, wanted);
    return true;
  };
}

test("question and answer pass whole, on a connection of their own", async (t) => {
  const { address, seen } = await serving(t, (request, response) => {
    let body = "";
    request.on("data", (part) => {
      body += part;
    });
    request.on("end", () => response.writeHead(201, { location: "/api/todos/7" }).end(`got ${body}`));
  });
  const answer = await ask({ method: "POST", address, headers: {}, body: Buffer.from("{}") }, 5000);
  assert.equal(answer.status, 201);
  assert.equal(answer.headers.get("location"), "/api/todos/7");
  assert.equal(answer.body.toString(), "got {}");
  assert.deepEqual(seen, ["POST /api/todos?q=1 close"]);
});

test("a backend that is not there yet is asked again, even to change something", async (t) => {
  const port = await freePort();
  const address = new URL(`http://127.0.0.1:${port}/api/todos`);
  const asking = ask({ method: "POST", address, headers: {}, body: Buffer.from("{}") }, 5000);
  const { seen } = await serving(t, (_, response) => response.end("there"), port);
  assert.equal((await asking).body.toString(), "there");
  assert.equal(seen.length, 1);
});

test("a backend that stays away is no answer, and nothing was sent", async () => {
  const address = new URL(`http://127.0.0.1:${await freePort()}/ready`);
  await assert.rejects(ask({ method: "POST", address, headers: {} }, 5000), refusal({ sent: false, late: false }));
});

test("a read that is cut off is made again", async (t) => {
  const { address, seen } = await serving(t, (request, response, number) =>
    number === 1 ? request.socket.destroy() : response.end("there"),
  );
  assert.equal((await ask({ method: "GET", address, headers: {} }, 5000)).body.toString(), "there");
  assert.equal(seen.length, 2);
});

test("a change that is cut off is not sent twice", async (t) => {
  const { address, seen } = await serving(t, (request) => request.socket.destroy());
  await assert.rejects(ask({ method: "POST", address, headers: {} }, 5000), refusal({ sent: true, late: false }));
  assert.equal(seen.length, 1);
});

test("an answer that ends too early is none", async (t) => {
  const { address } = await serving(t, (_, response) => {
    response.writeHead(200, { "content-length": "100" });
    response.write("only this", () => response.destroy());
  });
  await assert.rejects(ask({ method: "PATCH", address, headers: {} }, 5000), refusal({ sent: true, late: false }));
});

test("a backend that hangs is late, and is left in time", async (t) => {
  const { address } = await serving(t, () => {});
  const began = Date.now();
  await assert.rejects(ask({ method: "GET", address, headers: {} }, 300), refusal({ sent: true, late: true }));
  assert.ok(Date.now() - began < 3000);
});

test("a browser that goes away ends its request at the backend", async (t) => {
  const browser = new AbortController();
  let left: Promise<unknown> = Promise.resolve();
  const { address } = await serving(t, (request) => {
    left = new Promise((closed) => request.socket.once("close", closed));
    browser.abort();
  });
  await assert.rejects(
    ask({ method: "GET", address, headers: {} }, 5000, browser.signal),
    refusal({ sent: true, late: false }),
  );
  await left;
});
