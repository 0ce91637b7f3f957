"""openai-python's asynchronous client: many at once, and streams side by side."""

import asyncio

import common
from openai import AsyncOpenAI


async def main():
    async with AsyncOpenAI(base_url=common.URL, api_key="any") as client:
        async def whole(number):
            answer = await client.chat.completions.create(model=common.MODEL, messages=[{"role": "user", "content": f"async {number}"}])
            return answer.choices[0].message.content

        async def streamed(number):
            stream = await client.chat.completions.create(model=common.MODEL, messages=[{"role": "user", "content": f"async stream {number}"}], stream=True)
            return "".join([chunk.choices[0].delta.content or "" async for chunk in stream if chunk.choices])
        common.tell(whole=await asyncio.gather(*map(whole, range(64))), streamed=await asyncio.gather(*map(streamed, range(16))))

asyncio.run(main())
