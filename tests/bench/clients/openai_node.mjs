// openai_node.mjs BASE_URL SECONDS IN_FLIGHT: the openai SDK; its package is in $BENCH_NODE.
import { createRequire } from "node:module";

const OpenAI = createRequire(process.env.BENCH_NODE + "/")("openai").default;
const [baseURL, seconds, inFlight] = process.argv.slice(2);
const client = new OpenAI({ baseURL, apiKey: "test", maxRetries: Number(process.env.BENCH_RETRIES ?? 0), timeout: 600000 });
const prompt = process.env.BENCH_PROMPT, expected = process.env.BENCH_ANSWER;
const started = performance.now();
let calls = 0, bad = 0, number = 0;

async function worker() {
  while (performance.now() - started < seconds * 1000) {
    const content = `${++number}${prompt}`;
    const answer = await client.chat.completions.create({ model: "bench", messages: [{ role: "user", content }] });
    calls++;
    if (answer.choices[0].message.content !== expected) bad++;
  }
}

await Promise.all(Array.from({ length: Number(inFlight) }, worker));
console.log(JSON.stringify({ calls, bad, seconds: (performance.now() - started) / 1000 }));
process.exit(0);
