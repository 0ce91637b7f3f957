"""LangChain's ChatOpenAI: whole, streamed, several prompts, tools, structured answers; its embeddings."""

import common
from langchain_openai import ChatOpenAI, OpenAIEmbeddings
from pydantic import BaseModel


class River(BaseModel):
    name: str


model = ChatOpenAI(base_url=common.URL, api_key="any", model=common.MODEL, temperature=0.5)
common.tell(
    whole=model.invoke("langchain").content,
    streamed="".join(chunk.content for chunk in model.stream("langchain, streamed")),
    several=[answer.content for answer in model.batch([f"langchain {i}" for i in range(8)])],
    tool=model.bind_tools(common.TOOLS).invoke("langchain, with a tool").tool_calls[0]["args"],
    structured=model.with_structured_output(River, method="json_schema").invoke("langchain, a river").name,
    embeddings=OpenAIEmbeddings(base_url=common.URL, api_key="any", model=common.MODEL, check_embedding_ctx_length=False).embed_documents(["a", "b"]))
