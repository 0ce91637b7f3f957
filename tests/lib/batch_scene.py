"""What the tests of --batch share: a server, a scratch folder, and a script that asks one thing of each row."""

import host
from batch_server import BatchServer

BOTH = ("openai:m", "anthropic:m")
SEVEN = (*BOTH, "groq:m", "together:m", "gemini:m", "mistral:m", "xai:m")

ASK = """
local fellowship = require "fellowship"
local model = fellowship.model(arg[1])
for row, answer in fellowship.map(fellowship.rows(arg[2]), function(row) return model:ask(row.prompt).text end) do
  print(row.id, answer)
end
"""


class Scene:
    """A server and a scratch folder with a script that asks one thing of each row."""

    def __init__(self, rows=10, **fields):
        environment = fields.pop("environment", {})
        self.server = BatchServer(**fields)
        self.scratch = host.Scratch(**self.server.environment(**environment))
        self.scratch.write("ask.lua", ASK)
        self.scratch.prompts(rows)
        self.rows = rows

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.server.__exit__()
        self.scratch.__exit__()

    def begin_with(self, text):
        """Has the script begin with this."""
        self.scratch.write("ask.lua", text + ASK)

    def ask(self, model="openai:m", *flags, **options):
        return self.scratch.run("--store", "store.db", *flags, "ask.lua", model, "rows.jsonl", timeout=60, **options)

    def batch(self, model="openai:m", *flags, **options):
        return self.ask(model, "--batch", *flags, **options)

    def plain(self, model="openai:m"):
        """What the same rows give live, from another store."""
        result = self.scratch.run("--store", "plain.db", "ask.lua", model, "rows.jsonl")
        return result.out

    def sizes(self):
        return [len(self.server.batches[identity].requests) for identity in self.server.order]

    def listed(self, *flags):
        return self.scratch.run("store", "batches", *flags, "--store", "store.db")

    def start(self, model, *flags, **options):
        return self.scratch.start("--store", "store.db", "--batch", *flags, "ask.lua", model, "rows.jsonl", **options)

    def until_running(self):
        """Waits until the provider has been asked for the state of the last batch."""
        server = self.server
        if not host.until(lambda: server.order and server.batches[server.order[-1]].polls > 1):
            raise RuntimeError("no batch is under way")
