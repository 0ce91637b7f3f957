"""openai-python: whole, several, streamed, with tools, embeddings, responses, text completions, models, files and batches."""

import json
import time

import common
from openai import OpenAI

client = OpenAI(base_url=common.URL, api_key="any")


def asked(prompt, **more):
    return client.chat.completions.create(model=common.MODEL, messages=[{"role": "user", "content": prompt}], **more)


def batch():
    lines = [{"custom_id": f"row {i}", "method": "POST", "url": "/v1/chat/completions",
              "body": {"model": common.MODEL, "messages": [{"role": "user", "content": f"batch {i}"}]}} for i in range(10)]
    file = client.files.create(file=("in.jsonl", "\n".join(map(json.dumps, lines)).encode()), purpose="batch")
    made = client.batches.create(input_file_id=file.id, endpoint="/v1/chat/completions", completion_window="24h")
    while (made := client.batches.retrieve(made.id)).status not in ("completed", "failed", "expired", "cancelled"):
        time.sleep(0.1)
    rows = map(json.loads, client.files.content(made.output_file_id).text.splitlines())
    return {row["custom_id"]: row["response"]["body"]["choices"][0]["message"]["content"] for row in rows}


stream = asked("a stream", stream=True, stream_options={"include_usage": True})
chunks = list(stream)
tool = asked("the weather", tools=common.TOOLS).choices[0].message.tool_calls[0]
with client.chat.completions.stream(model=common.MODEL, messages=[{"role": "user", "content": "helped"}]) as helped:
    for event in helped:
        pass
with client.responses.stream(model=common.MODEL, input="a response as it comes") as response:
    pieces = [event.delta for event in response if event.type == "response.output_text.delta"]
common.tell(
    whole=asked("whole", temperature=0.5, seed=1).choices[0].message.content,
    several=[choice.message.content for choice in asked("several", n=3).choices],
    stream="".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices),
    usage=chunks[-1].usage.total_tokens,
    helped=helped.get_final_completion().choices[0].message.content,
    tool=[tool.function.name, json.loads(tool.function.arguments)],
    tool_streamed="".join(call.function.arguments or "" for chunk in asked("the weather, streamed", tools=common.TOOLS, stream=True) if chunk.choices
                          for call in chunk.choices[0].delta.tool_calls or ()),
    embeddings=[one.embedding for one in client.embeddings.create(model=common.MODEL, input=["a", "b"], encoding_format="float").data],
    text=client.completions.create(model=common.MODEL, prompt="once").choices[0].text,
    text_streamed="".join(chunk.choices[0].text for chunk in client.completions.create(model=common.MODEL, prompt="again", stream=True) if chunk.choices),
    response=client.responses.create(model=common.MODEL, input="a response").output_text,
    response_streamed=["".join(pieces), response.get_final_response().output_text],
    batch=batch())
client.models.list()
