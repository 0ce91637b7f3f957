"""What the Python clients share: IN_FLIGHT workers ask one call after another for SECONDS."""
import asyncio
import json
import os
import sys
import time


async def run(client, url, seconds, in_flight):
    ask, close = await client(url, in_flight)
    prompt, expected = os.environ["BENCH_PROMPT"], os.environ["BENCH_ANSWER"]
    count = bad = number = 0
    started = time.monotonic()

    async def worker():
        nonlocal count, bad, number
        while time.monotonic() - started < seconds:
            number += 1
            text = await ask({"model": "bench", "messages": [{"role": "user", "content": f"{number}{prompt}"}]})
            count += 1
            bad += text != expected

    await asyncio.gather(*(worker() for _ in range(in_flight)))
    print(json.dumps({"calls": count, "bad": bad, "seconds": time.monotonic() - started}))
    await close()


def main(client):
    asyncio.run(run(client, sys.argv[1], float(sys.argv[2]), int(sys.argv[3])))
