"""So many calls through the openai package, with its own retries; clients of refusals.py.

usage: openai_python.py BASE CALLS IN_FLIGHT
"""

import asyncio
import json
import sys
import time

import openai


async def main():
    base, calls, in_flight = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    client = openai.AsyncOpenAI(base_url=base, api_key="test", max_retries=100)
    gate, lost = asyncio.Semaphore(in_flight), 0

    async def one(n):
        nonlocal lost
        async with gate:
            try:
                await client.chat.completions.create(model="bench", messages=[{"role": "user", "content": f"{n} what is this?"}])
            except openai.OpenAIError:
                lost += 1

    started = time.monotonic()
    await asyncio.gather(*map(one, range(calls)))
    print(json.dumps({"seconds": time.monotonic() - started, "lost": lost}))


asyncio.run(main())
