// SPDX-License-Identifier: Apache-2.0
// The TypeScript SDK as a client over HTTP.
// usage: client_typescript.mjs MODULES MODE CALLS URL TOKEN
// MODULES: node_modules; MODE: 1 (the SDK's version 1, which is legacy), or for the newest: auto, legacy, a modern version. Prints JSON.
import assert from "node:assert";

const [modules, mode, calls, url, token] = process.argv.slice(2);
const from = (path) => import(`${modules}/@modelcontextprotocol/${path}`);
const one = mode === "1";
const { Client, StreamableHTTPClientTransport } = one
  ? { ...(await from("sdk/dist/esm/client/index.js")), ...(await from("sdk/dist/esm/client/streamableHttp.js")) }
  : await from("client/dist/index.mjs");
const name = { name: "typescript", version: "1" };
const client = one
  ? new Client(name)
  : new Client(name, { versionNegotiation: { mode: ["auto", "legacy"].includes(mode) ? mode : { pin: mode } } });
const transport = new StreamableHTTPClientTransport(new URL(url), { requestInit: { headers: { Authorization: `Bearer ${token}` } } });
const textOf = (result) => result.content.filter((block) => block.type === "text").map((block) => block.text).join("");
const call = async (tool, args) => client.callTool({ name: tool, arguments: args });
const say = async (tool, args) => textOf(await call(tool, args));

// A person's session with an interpreter that wants a terminal: converse() of calls.py.
async function converse() {
  const begun = await say("run_command", { command: "python3 -q", tty: true, wait_ms: 0 });
  const id = /\b[0-9a-f]{32}\b/.exec(begun)[0];
  let said = await say("write_input", { id, text: "import sys; print(6 * 7, sys.stdin.isatty())\n" });
  while (!said.includes("42 True")) said += await say("read_output", { id });
  const whole = await say("read_output", { id, since: 0 });
  const stopped = await say("stop_command", { id, signal: "KILL" });
  return { begun, whole, stopped, left: await say("list_commands", {}) };
}

// Begins a command, and learns by notifications alone that it has ended.
async function follow() {
  const begun = await call("run_command", { command: "read line; echo $line", stdin: "", wait_ms: 0 });
  const id = begun.structuredContent.id;
  const uri = `sallyport://command/${id}/output`;
  const told = [];
  let wake = () => {};
  const hear = (notification) => {
    told.push(notification.params.uri);
    wake();
  };
  const method = "notifications/resources/updated";
  if (one) client.setNotificationHandler((await from("sdk/dist/esm/types.js")).ResourceUpdatedNotificationSchema, hear);
  else client.setNotificationHandler(method, hear);
  const modern = !one && client.getNegotiatedProtocolVersion().startsWith("2026");
  const subscription = modern ? await client.listen({ resourceSubscriptions: [uri] }) : await client.subscribeResource({ uri });
  await call("write_input", { id, text: "over\n", wait_ms: 0 });
  for (let updates = 1; updates < 10; updates++) {
    if (told.length < updates) await new Promise((resolve) => (wake = resolve));
    assert.equal(told[updates - 1], uri);
    const read = await client.readResource({ uri });
    if (read.contents[0]._meta?.["sallyport.dev/result"]?.status === "exited" || read._meta?.["sallyport.dev/result"]?.status === "exited") {
      if (modern) await subscription.close();
      await call("read_output", { id }); // nothing of it is left in the list
      return { text: read.contents[0].text, updates };
    }
  }
}

// A call is left off in the middle; nothing of it is left.
async function leave() {
  const going = new AbortController();
  const started = client.callTool({ name: "run_command", arguments: { command: "echo up; sleep 1000" } }, ...(one ? [undefined] : []), {
    signal: going.signal,
    onprogress: () => going.abort(),
  });
  await assert.rejects(started);
  return say("list_commands", {});
}

const found = { results: {} };
await client.connect(transport);
found.version = one ? transport.protocolVersion : client.getNegotiatedProtocolVersion();
found.tools = (await client.listTools()).tools.map((tool) => tool.name);
for (const [tool, args] of Object.entries(JSON.parse(calls))) {
  const result = await call(tool, args);
  found.results[tool] = { error: Boolean(result.isError), structured: result.structuredContent ?? null, text: textOf(result) };
}
found.conversation = await converse();
const failed = await call("read_file", { path: "missing.txt" });
found.failure = { error: Boolean(failed.isError), text: textOf(failed) };
const many = await Promise.all(Array.from({ length: 100 }, () => say("read_file", { path: "a.txt" })));
found.many = many.filter((text) => text.startsWith("alpha")).length;
found.followed = await follow();
found.left = await leave();
await client.close();
console.log(JSON.stringify(found));
