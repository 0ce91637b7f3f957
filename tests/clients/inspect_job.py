"""inspect_ai: an evaluation of several samples."""

import common
from inspect_ai import Task, eval
from inspect_ai.dataset import Sample
from inspect_ai.model import get_model
from inspect_ai.scorer import includes
from inspect_ai.solver import generate

task = Task(dataset=[Sample(input=f"inspect {i}", target=f"INSPECT {i}") for i in range(8)], solver=generate(), scorer=includes())
log = eval(task, model=get_model(f"openai/{common.MODEL}", base_url=common.URL, api_key="any", responses_api=False), log_dir="logs", display="none")[0]
common.tell(status=log.status, accuracy=log.results.scores[0].metrics["accuracy"].value,
            answers=sorted(sample.output.completion for sample in log.samples))
