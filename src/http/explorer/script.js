"use strict";

const part = (id) => document.getElementById(id);
let running = null;
let schema = [];

function show(value) {
  part("answer").textContent = typeof value === "string" ? value : JSON.stringify(value, null, 2);
}

// A subscription answers event after event; each is put on top of those before.
async function follow(response) {
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    const events = (rest + value).split("\n\n");
    rest = events.pop();
    for (const event of events) {
      const data = event.split("\n").filter((line) => line.startsWith("data: ")).map((line) => line.slice(6));
      if (event.startsWith("event: next")) {
        const answer = JSON.stringify(JSON.parse(data.join("\n")), null, 2);
        part("answer").textContent = `${answer}\n\n${part("answer").textContent}`;
      }
    }
  }
}

async function run() {
  if (running) running.abort();
  running = new AbortController();
  part("stop").disabled = false;
  show("…");
  try {
    const query = part("query").value;
    const follows = /^\s*subscription\b/m.test(query);
    const response = await fetch("/graphql", {
      method: "POST",
      signal: running.signal,
      headers: {
        "Content-Type": "application/json",
        Accept: follows ? "text/event-stream" : "application/json",
        Authorization: `Bearer ${part("token").value.trim()}`,
      },
      body: JSON.stringify({ query, variables: JSON.parse(part("variables").value || "{}") }),
    });
    if (follows && response.ok) {
      show("");
      await follow(response);
    } else {
      show(await response.json());
    }
  } catch (fault) {
    if (fault.name !== "AbortError") show(String(fault));
  } finally {
    part("stop").disabled = true;
  }
}

// The schema, definition by definition: those that hold what is looked for.
function search() {
  const wanted = part("search").value.trim().toLowerCase();
  const found = schema.filter((definition) => definition.toLowerCase().includes(wanted));
  part("schema").textContent = found.slice(0, 40).join("\n\n");
}

part("run").addEventListener("click", run);
part("stop").addEventListener("click", () => running && running.abort());
part("search").addEventListener("input", search);
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey && event.key === "Enter") run();
});
fetch("/explorer/schema.graphql")
  .then((response) => response.text())
  .then((text) => {
    schema = text.split(/\n(?=(?:"""|type |input |enum |interface |union |scalar |schema ))/);
    search();
  });
