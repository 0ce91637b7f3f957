"""distilabel: a pipeline of one step of text generation."""

import common
from distilabel.models import OpenAILLM
from distilabel.pipeline import Pipeline
from distilabel.steps import LoadDataFromDicts
from distilabel.steps.tasks import TextGeneration

if __name__ == "__main__":
    with Pipeline(name="rivers") as pipeline:
        rows = LoadDataFromDicts(data=[{"instruction": f"distilabel {i}"} for i in range(8)])
        rows >> TextGeneration(llm=OpenAILLM(model=common.MODEL, base_url=common.URL, api_key="any"))
    made = pipeline.run(use_cache=False)
    common.tell(answers=list(made["default"]["train"]["generation"]))
