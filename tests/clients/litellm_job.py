"""LiteLLM: whole, streamed, asynchronous, embeddings."""

import asyncio

import common
import litellm

litellm.telemetry = False
PLACE = {"model": f"openai/{common.MODEL}", "api_base": common.URL, "api_key": "any"}


def said(prompt):
    return {"messages": [{"role": "user", "content": prompt}], **PLACE}


async def several():
    answers = await asyncio.gather(*(litellm.acompletion(**said(f"litellm {i}")) for i in range(8)))
    return [answer.choices[0].message.content for answer in answers]


common.tell(
    whole=litellm.completion(**said("litellm"), temperature=0.5).choices[0].message.content,
    streamed="".join(chunk.choices[0].delta.content or "" for chunk in litellm.completion(**said("litellm, streamed"), stream=True)),
    several=asyncio.run(several()),
    embeddings=[one["embedding"] for one in litellm.embedding(input=["a", "b"], encoding_format="float", **PLACE).data])
