// openai-node: whole, streamed, with tools.
import { writeFileSync } from "node:fs";
import OpenAI from "openai";

const client = new OpenAI({ baseURL: process.env.CLIENTS_URL, apiKey: "any" });
const ask = (content, more = {}) =>
  client.chat.completions.create({ model: "openai:m", messages: [{ role: "user", content }], ...more });

const whole = (await ask("node")).choices[0].message.content;
let streamed = "";
for await (const chunk of await ask("node, streamed", { stream: true })) streamed += chunk.choices[0]?.delta?.content ?? "";
const tools = [{ type: "function", function: { name: "weather", parameters: { type: "object", properties: { city: { type: "string" } } } } }];
const tool = (await ask("node, with a tool", { tools })).choices[0].message.tool_calls[0].function;
const many = await Promise.all([...Array(32).keys()].map(async (i) => (await ask(`node ${i}`)).choices[0].message.content));
const response = (await client.responses.create({ model: "openai:m", input: "node, a response" })).output_text;
writeFileSync(process.env.CLIENTS_OUT, JSON.stringify({ whole, streamed, tool, many, response }));
