// openai-node, unmodified, through a real gateway. One JSON line for each sentence: {"sentence", "ok", "error"}.
//
// Read from the environment, for a gateway: BASE_URL, ADMIN_URL, ADMIN_KEY, KEY, and SPENT_KEY and PATIENT_KEY with
// SPENT_ID and PATIENT_ID; for what is behind it: MODEL, SLOW_MODEL, VISION_MODEL, EMBEDDER (empty: this server has
// none), UPSTREAM and SLOW_UPSTREAM (the servers behind MODEL and SLOW_MODEL); and what such a server can do:
//   CALLS     how many tools it calls in one turn: `one` or `several`
//   LONG      how many words are more than its model can read
//   WATCHED   where it tells what it is at work on: `stats` (an emulator's), `metrics` (vLLM's) or nowhere
//   OVERLOAD  how it is overloaded: by a `fault` (an emulator), by a `crowd` of four requests, or not at all
// The texts are those the model of tests/real/tiny_model.py knows.

import assert from "node:assert/strict";
import OpenAI from "openai";

const { BASE_URL, KEY, MODEL, SLOW_MODEL, VISION_MODEL, EMBEDDER, ADMIN_URL, ADMIN_KEY } = process.env;
const { SPENT_KEY, SPENT_ID, PATIENT_KEY, PATIENT_ID, UPSTREAM, SLOW_UPSTREAM } = process.env;
const { CALLS, LONG, WATCHED, OVERLOAD } = process.env;

const messages = [{ role: "user", content: "hello there, tell me something" }];
const errand = [{ role: "user", content: "look_up" }];
const errands = [{ role: "user", content: "look_up and weigh" }];
const endless = { model: SLOW_MODEL, messages: [{ role: "user", content: "go on for ever" }], max_tokens: 400 };
const pixel =
  "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5E" +
  "rkJggg==";
const tool = (name, argument, values) => ({
  type: "function",
  function: {
    name,
    strict: true,
    parameters: {
      type: "object",
      properties: { [argument]: { enum: values } },
      required: [argument],
      additionalProperties: false,
    },
  },
});
const lookUp = tool("look_up", "city", ["Bern", "Thun"]);
const weigh = tool("weigh", "item", ["salt", "flour"]);
const person = {
  type: "json_schema",
  json_schema: {
    name: "person",
    schema: {
      type: "object",
      properties: { name: { enum: ["Ada", "Grace"] }, age: { type: "integer" } },
      required: ["name", "age"],
      additionalProperties: false,
    },
  },
};

const sdk = (options = {}) => new OpenAI({ baseURL: BASE_URL, apiKey: KEY, maxRetries: 0, timeout: 60_000, ...options });
const client = sdk();
const chat = (body, options) => client.chat.completions.create({ model: MODEL, messages, ...body }, options);

async function read(stream) {
  const chunks = [];
  for await (const chunk of stream) chunks.push(chunk);
  return chunks;
}

const streamed = async (body) => read(await chat({ ...body, stream: true }));
const choices = (chunks) => chunks.flatMap((chunk) => chunk.choices);
const spoken = (chunks) => choices(chunks).map((choice) => choice.delta.content ?? "").join("");
const finished = (chunks) => choices(chunks).map((choice) => choice.finish_reason).filter(Boolean);

/** The tool calls of a stream, put together from their fragments by index. */
function assembled(chunks) {
  const calls = [];
  for (const part of choices(chunks).flatMap((choice) => choice.delta.tool_calls ?? [])) {
    calls[part.index] ??= { id: part.id, function: { name: part.function.name, arguments: "" } };
    calls[part.index].function.arguments += part.function?.arguments ?? "";
  }
  return calls;
}

/** These tools were called, in this order, each under its own id and with an object. */
function called(calls, names) {
  const told = (calls ?? []).map((call) => call.function.name);
  assert.deepEqual(told, names, `called: ${told.join() || "nothing"}`);
  assert.equal(new Set(calls.map((call) => call.id || assert.fail("a call without an id"))).size, names.length);
  for (const call of calls) assert.equal(typeof JSON.parse(call.function.arguments), "object");
}

/** What `promised` fails with; it must be an error of exactly this class. */
async function refused(promised, kind) {
  try {
    await promised;
  } catch (error) {
    assert.equal(error.constructor.name, kind.name, String(error));
    return error;
  }
  assert.fail(`expected ${kind.name}, and it was answered`);
}

/** A client that counts what it sends; `answered` is called at each answer. */
function counting(options, answered = () => {}) {
  const sent = { times: 0 };
  const counted = async (...request) => {
    sent.times += 1;
    const answer = await fetch(...request);
    answered();
    return answer;
  };
  return [sdk({ ...options, fetch: counted }), sent];
}

async function json(url, init) {
  const answer = await fetch(url, init);
  return JSON.parse(await answer.text());
}

const administrator = { headers: { authorization: `Bearer ${ADMIN_KEY}` } };
const rows = (id) => json(`${ADMIN_URL}/admin/spend/rows?limit=100&key=${id}`, administrator);

/** Wait until something holds. The ceiling is generous: it is not a measurement. */
async function eventually(holds, seconds = 15) {
  const until = performance.now() + seconds * 1000;
  while (!(await holds())) {
    assert.ok(performance.now() < until, "it did not come about");
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

const sentences = [];
const sentence = (name, tell) => sentences.push([name, tell]);

sentence("a chat is answered", async () => {
  const answer = await chat();
  assert.ok(answer.choices[0].message.content);
  assert.ok(["stop", "length"].includes(answer.choices[0].finish_reason));
  assert.equal(answer.model, MODEL);
  assert.ok(answer.usage.prompt_tokens > 0);
  assert.equal(answer.usage.total_tokens, answer.usage.prompt_tokens + answer.usage.completion_tokens);
});

sentence("a streamed chat says what a whole one says", async () => {
  const whole = await chat({ seed: 7 });
  const chunks = await streamed({ seed: 7 });
  assert.equal(spoken(chunks), whole.choices[0].message.content);
  assert.equal(new Set(chunks.map((chunk) => chunk.id)).size, 1);
  assert.deepEqual(finished(chunks), [whole.choices[0].finish_reason]);
  assert.ok(chunks.every((chunk) => chunk.model === MODEL && !chunk.usage));
});

sentence("the headers say which deployment answered", async () => {
  const { response } = await chat().withResponse();
  assert.equal(response.headers.get("x-redoubt-model"), MODEL);
  assert.equal(response.headers.get("x-redoubt-attempts"), "1");
  assert.ok(response.headers.get("x-request-id"));
});

sentence("usage comes once and last when it is asked for", async () => {
  const chunks = await streamed({ stream_options: { include_usage: true } });
  const last = chunks.at(-1);
  assert.deepEqual(chunks.filter((chunk) => chunk.usage), [last]);
  assert.deepEqual(last.choices, []);
  assert.ok(last.usage.completion_tokens > 0);
});

sentence("max tokens cuts an answer and says so", async () => {
  for (const limit of [{ max_tokens: 3 }, { max_completion_tokens: 3 }]) {
    const answer = await chat(limit);
    assert.equal(answer.choices[0].finish_reason, "length");
    assert.equal(answer.usage.completion_tokens, 3);
  }
});

sentence("two choices come with two indices", async () => {
  const whole = await chat({ n: 2 });
  const chunks = await streamed({ n: 2 });
  assert.deepEqual(whole.choices.map((choice) => choice.index), [0, 1]);
  const ended = choices(chunks).filter((choice) => choice.finish_reason).map((choice) => choice.index);
  assert.deepEqual(ended.sort(), [0, 1]);
});

async function wholeCall(tool_choice) {
  const { message, finish_reason } = (await chat({ messages: errand, tools: [lookUp], tool_choice })).choices[0];
  called(message.tool_calls, ["look_up"]);
  assert.ok(["tool_calls", "stop"].includes(finish_reason));
}

async function streamedCall(tool_choice) {
  const chunks = await streamed({ messages: errand, tools: [lookUp], tool_choice });
  called(assembled(chunks), ["look_up"]);
  assert.equal(finished(chunks).length, 1);
}

const named = { type: "function", function: { name: "look_up" } };
sentence("a tool is called when the model may choose", () => wholeCall("auto"));
sentence("a tool is called when it is required", () => wholeCall("required"));
sentence("a tool is called when it is named", () => wholeCall(named));
sentence("a streamed tool call is whole when the model may choose", () => streamedCall("auto"));
sentence("a streamed tool call is whole when it is required", () => streamedCall("required"));
sentence("a streamed tool call is whole when it is named", () => streamedCall(named));

const parallel = { messages: errands, tools: [lookUp, weigh], tool_choice: "auto", parallel_tool_calls: true };
const several = ["look_up", "weigh"].slice(0, CALLS === "one" ? 1 : 2);

sentence("tools are called in parallel", async () => {
  called((await chat(parallel)).choices[0].message.tool_calls, several);
});

sentence("parallel tool calls are told apart in a stream", async () => {
  const chunks = await streamed(parallel);
  called(assembled(chunks), several);
  assert.deepEqual(finished(chunks), ["tool_calls"]);
});

sentence("the results of tools go back in the next turn", async () => {
  const { message } = (await chat(parallel)).choices[0];
  called(message.tool_calls, several);
  const result = (call) => ({ role: "tool", tool_call_id: call.id, content: '{"sky":"clear"}' });
  const results = message.tool_calls.map(result);
  const next = await chat({ messages: [...errands, message, ...results] });
  assert.ok(next.choices[0].message.content);
});

sentence("the stream helper of the library puts an answer together", async () => {
  const stream = client.chat.completions.stream({ model: MODEL, messages, seed: 7 });
  const whole = await chat({ seed: 7 });
  assert.equal(await stream.finalContent(), whole.choices[0].message.content);
});

sentence("an answer keeps to the json schema", async () => {
  const whole = await chat({ response_format: person });
  const chunks = await streamed({ response_format: person });
  for (const text of [whole.choices[0].message.content, spoken(chunks)]) {
    const told = JSON.parse(text);
    assert.deepEqual(Object.keys(told).sort(), ["age", "name"]);
    assert.ok(Number.isInteger(told.age));
  }
});

sentence("log probabilities are given", async () => {
  const asked = { logprobs: true, top_logprobs: 2, max_tokens: 4 };
  const whole = (await chat(asked)).choices[0].logprobs.content;
  const parts = choices(await streamed(asked)).flatMap((choice) => choice.logprobs?.content ?? []);
  for (const told of [whole, parts]) {
    assert.ok(told.length > 0);
    assert.ok(told.every((entry) => entry.logprob <= 0 && Array.isArray(entry.top_logprobs)));
  }
});

sentence("an image passes as data and never as an address", async () => {
  const ask = (url) => {
    const content = [{ type: "text", text: "what is it?" }, { type: "image_url", image_url: { url } }];
    return chat({ model: VISION_MODEL, messages: [{ role: "user", content }] });
  };
  assert.ok((await ask(pixel)).choices[0].message.content);
  const error = await refused(ask("http://127.0.0.1:9/cat.png"), OpenAI.BadRequestError);
  assert.match(error.message, /data:/);
});

sentence("embeddings are the same in both encodings", async () => {
  if (!EMBEDDER) {
    const asked = client.embeddings.create({ model: MODEL, input: "one" });
    const error = await asked.then(() => assert.fail("it was answered"), (fault) => fault);
    assert.ok([400, 404].includes(error.status), String(error)); // the adapter knows, or the server says
    assert.match(error.message, /embeddings|can do this/);
    return;
  }
  const input = ["one", "two"];
  const plain = await client.embeddings.create({ model: EMBEDDER, input, encoding_format: "float" });
  const byDefault = await client.embeddings.create({ model: EMBEDDER, input }); // the library asks for base64
  assert.equal(plain.data.length, 2);
  const floats = (answer) => answer.data.map((one) => Float32Array.from(one.embedding));
  assert.deepEqual(floats(byDefault), floats(plain));
});

sentence("a completion is answered for each prompt", async () => {
  const asked = { model: MODEL, max_tokens: 4, temperature: 0 };
  const whole = await client.completions.create({ ...asked, prompt: ["one day", "another day"] });
  const chunks = await read(await client.completions.create({ ...asked, prompt: "one day", stream: true }));
  assert.deepEqual(whole.choices.map((choice) => choice.index), [0, 1]);
  assert.equal(choices(chunks).map((choice) => choice.text).join(""), whole.choices[0].text);
});

/** The same error, asked whole and streamed. */
const refuses = (name, kind, code, change, options) =>
  sentence(name, async () => {
    for (const stream of [false, true]) {
      const asked = sdk(options).chat.completions.create({ model: MODEL, messages, stream, ...change });
      assert.equal((await refused(asked, kind)).code, code);
    }
  });

const long = [{ role: "user", content: "word ".repeat(LONG) }];
refuses("a key that is none is refused", OpenAI.AuthenticationError, "invalid_api_key", {}, { apiKey: "rdt_nonsense" });
refuses("a model that is none is not found", OpenAI.NotFoundError, "model_not_found", { model: "nobodys-model" });
refuses("a value of the wrong kind is refused", OpenAI.BadRequestError, "invalid_value", { temperature: "hot" });
refuses("a chat without a message is refused", OpenAI.BadRequestError, "invalid_value", { messages: [] });
refuses("a field that jumps the queue is refused", OpenAI.PermissionDeniedError, "field_not_allowed", { priority: 1 });
refuses("a prompt that is too long is refused", OpenAI.BadRequestError, "context_length_exceeded", { messages: long });

sentence("the models of a key are listed", async () => {
  const names = [];
  for await (const model of client.models.list()) names.push(model.id);
  assert.ok(names.includes(MODEL));
  assert.equal((await client.models.retrieve(MODEL)).id, MODEL);
  await refused(client.models.retrieve("nobodys-model"), OpenAI.NotFoundError);
});

sentence("a spent budget is not tried again", async () => {
  const [spender, sent] = counting({ apiKey: SPENT_KEY, maxRetries: 3 });
  const error = await refused(spender.chat.completions.create({ model: MODEL, messages }), OpenAI.RateLimitError);
  assert.equal(error.code, "insufficient_quota");
  assert.equal(sent.times, 1);
  await eventually(async () => (await rows(SPENT_ID)).length === 1);
});

/** Overload the server behind MODEL; what is given ends that. An emulator's fault ends by itself, with one request. */
async function overloaded() {
  assert.ok(OVERLOAD, "this server is never overloaded: it lets requests wait");
  if (OVERLOAD === "fault") {
    const overload = { method: "POST", body: JSON.stringify({ fault: "overload", times: 1 }) };
    await json(`${UPSTREAM}/__simulated/fault`, overload);
    return () => {};
  }
  const leaving = new AbortController();
  const one = async () => {
    const stream = await chat({ ...endless, stream: true }, { signal: leaving.signal });
    await stream[Symbol.asyncIterator]().next();
  };
  await Promise.all(Array.from({ length: 4 }, one));
  return () => leaving.abort();
}

sentence("an overloaded server is tried again and then answers", async () => {
  const end = await overloaded();
  const [patient, sent] = counting({ apiKey: PATIENT_KEY, maxRetries: 5 }, end);
  const answer = await patient.chat.completions.create({ model: MODEL, messages });
  assert.ok(answer.choices[0].message.content);
  assert.ok(OVERLOAD === "crowd" ? sent.times > 1 : sent.times === 2, `it was sent ${sent.times} times`);
  const told = ["ok", ...Array(sent.times - 1).fill("failed")].join();
  await eventually(async () => (await rows(PATIENT_ID)).map((row) => row.status).join() === told);
});

/** What the server behind SLOW_MODEL is at work on, and how much it gave up or made; null where it does not tell. */
async function work() {
  if (WATCHED === "stats") {
    const { live, aborted } = await json(`${SLOW_UPSTREAM}/__simulated/stats`);
    return { live, aborted };
  }
  if (WATCHED !== "metrics") return null;
  const metrics = (await (await fetch(`${SLOW_UPSTREAM}/metrics`)).text()).split("\n");
  const samples = (name) => metrics.filter((line) => line.startsWith(`${name}{`));
  const total = (name) => samples(name).reduce((sum, line) => sum + Number(line.split(" ").at(-1)), 0);
  return { live: total("vllm:num_requests_running"), made: total("vllm:generation_tokens_total") };
}

/** Wait until the server has given up the one request that was begun since `before`. */
async function stopped(before) {
  if (before === null) {
    assert.ok((await chat()).choices[0].message.content); // it serves the next one
    return;
  }
  await eventually(async () => (await work()).live === 0);
  if ("aborted" in before) await eventually(async () => (await work()).aborted === before.aborted + 1);
  else assert.ok((await work()).made - before.made < endless.max_tokens, "it went on to the end");
}

sentence("a stream that is aborted stops the server behind", async () => {
  const before = await work();
  const leaving = new AbortController();
  const stream = await chat({ ...endless, stream: true }, { signal: leaving.signal });
  for await (const _ of stream) {
    leaving.abort();
  }
  await stopped(before);
});

/** A whole answer under way, and what ends it. A server may be too quick to be seen at work: then it is asked again. */
async function underWay() {
  for (let tries = 0; tries < 5; tries += 1) {
    const before = await work();
    const leaving = new AbortController();
    let over = false;
    const told = refused(chat(endless, { signal: leaving.signal }), OpenAI.APIUserAbortError);
    told.catch(() => {}).finally(() => (over = true)); // whoever waits for `told` hears of its fault
    if (before !== null) await eventually(async () => over || (await work()).live === 1);
    if (!over) return { before, leaving, told };
  }
  assert.fail("it answers before it can be seen at work");
}

sentence("a whole answer that is aborted stops the server behind", async () => {
  const { before, leaving, told } = await underWay();
  leaving.abort();
  await told;
  await stopped(before);
});

for (const [name, tell] of sentences) {
  let error = null;
  try {
    await tell();
  } catch (fault) {
    error = fault.stack ?? String(fault);
  }
  console.log(JSON.stringify({ sentence: name, ok: error === null, error }));
}
