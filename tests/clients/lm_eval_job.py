"""lm-evaluation-harness: a task of its own over local rows, by local-chat-completions."""

import json
import pathlib

import common
import lm_eval
from lm_eval.tasks import TaskManager

TASK = """task: rivers
dataset_path: json
dataset_kwargs: {{data_files: {{test: {rows}}}}}
test_split: test
output_type: generate_until
doc_to_text: "{{{{prompt}}}}"
doc_to_target: "{{{{answer}}}}"
generation_kwargs: {{until: ["\\n\\n"], max_gen_toks: 64}}
metric_list: [{{metric: exact_match, aggregation: mean, higher_is_better: true}}]
"""

here = pathlib.Path.cwd()
(here / "task").mkdir(exist_ok=True)
rows = here / "rows.jsonl"
rows.write_text("".join(json.dumps({"prompt": f"harness {i}", "answer": f"HARNESS {i}"}) + "\n" for i in range(8)))
(here / "task" / "rivers.yaml").write_text(TASK.format(rows=rows))
found = lm_eval.simple_evaluate(
    model="local-chat-completions", model_args={"model": common.MODEL, "base_url": common.URL + "/chat/completions", "num_concurrent": 4, "tokenized_requests": False, "tokenizer_backend": None},
    tasks=["rivers"], task_manager=TaskManager(include_path=str(here / "task")), apply_chat_template=True, bootstrap_iters=0)
common.tell(score=found["results"]["rivers"]["exact_match,none"], answers=[sample["resps"][0][0] for sample in found["samples"]["rivers"]])
