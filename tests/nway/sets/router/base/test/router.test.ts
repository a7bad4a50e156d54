import assert from "node:assert/strict";
import test from "node:test";

import { NotFound, Router } from "../src/router.ts";
import type { Request } from "../src/router.ts";

const echo = (request: Request) => ({ status: 200, body: JSON.stringify(request.params) });
const say = (text: string) => () => ({ status: 200, body: text });

test("a path", () => {
  const router = new Router().get("/a/b", say("ab"));
  assert.equal(router.handle("GET", "/a/b").body, "ab");
  assert.throws(() => router.handle("GET", "/a"), NotFound);
});

test("parameters", () => {
  const router = new Router().get("/users/:id", echo);
  assert.equal(router.handle("GET", "/users/a%20b").body, '{"id":"a b"}');
});

test("methods", () => {
  const router = new Router().post("/a", say("post")).get("/a", say("get"));
  assert.equal(router.handle("GET", "/a").body, "get");
  assert.throws(() => router.handle("PUT", "/a"));
});

test("a prefix", () => {
  const router = new Router({ prefix: "/v1" }).get("/a", say("a"));
  assert.equal(router.handle("GET", "/v1/a").body, "a");
  assert.throws(() => router.handle("GET", "/a"), /nothing at \/a/);
});
