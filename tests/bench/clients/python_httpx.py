"""python_httpx.py URL SECONDS IN_FLIGHT: the transport of the openai Python SDK."""
import httpx
import sys

sys.path.insert(0, __file__.rsplit("/", 1)[0])
import calls


async def client(url, in_flight):
    limits = httpx.Limits(max_connections=in_flight, max_keepalive_connections=in_flight)
    http = httpx.AsyncClient(limits=limits, timeout=600)

    async def ask(body):
        answer = await http.post(url, json=body, headers={"Authorization": "Bearer test"})
        return answer.json()["choices"][0]["message"]["content"]

    return ask, http.aclose


calls.main(client)
