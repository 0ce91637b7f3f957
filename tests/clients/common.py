"""What the jobs of all clients share: where the endpoint is, and how they tell what they were answered."""

import json
import os

URL = os.environ["CLIENTS_URL"]  # ends in /v1
MODEL = "openai:m"
TOOLS = [{"type": "function", "function": {"name": "weather", "description": "The weather of a city.", "parameters": {
    "type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}}}]


def tell(**answers):
    with open(os.environ["CLIENTS_OUT"], "w", encoding="utf-8") as out:
        json.dump(answers, out)
