"""python_aiohttp.py URL SECONDS IN_FLIGHT"""
import aiohttp
import sys

sys.path.insert(0, __file__.rsplit("/", 1)[0])
import calls


async def client(url, in_flight):
    http = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=in_flight),
                                 timeout=aiohttp.ClientTimeout(total=600))

    async def ask(body):
        async with http.post(url, json=body, headers={"Authorization": "Bearer test"}) as answer:
            return (await answer.json())["choices"][0]["message"]["content"]

    return ask, http.close


calls.main(client)
