"""Bodies of OpenAI's other paths, whole and streamed: responses, text completions, embeddings.

https://platform.openai.com/docs/api-reference/responses/object, .../completions/object, .../embeddings/object
"""

USAGE = {"prompt_tokens": 20, "completion_tokens": 7, "total_tokens": 27}


def message(text):
    return {"id": "msg_1", "type": "message", "role": "assistant", "status": "completed", "content": [{"type": "output_text", "text": text, "annotations": []}]}


def function_call(name, arguments):
    return {"id": "fc_1", "type": "function_call", "call_id": "call_1", "name": name, "arguments": arguments, "status": "completed"}


def response(*items, status="completed", **more):
    return {"id": "resp_1", "object": "response", "created_at": 1, "status": status, "model": "m", "error": None, "incomplete_details": None,
            "instructions": None, "metadata": {}, "parallel_tool_calls": True, "temperature": 1.0, "top_p": 1.0, "tool_choice": "auto", "tools": [], "output": list(items),
            "usage": {"input_tokens": 3, "input_tokens_details": {"cached_tokens": 0}, "output_tokens": 2, "output_tokens_details": {"reasoning_tokens": 0}, "total_tokens": 5}, **more}


def response_events(*pieces):
    """The events of a response that is one message, whose text comes in pieces; the last one holds it whole."""
    text, at = "".join(pieces), {"item_id": "msg_1", "output_index": 0, "content_index": 0}
    begun, item, part = response(status="in_progress", usage=None), message(text), message(text)["content"][0]
    events = [{"type": "response.created", "response": begun}, {"type": "response.in_progress", "response": begun},
              {"type": "response.output_item.added", "output_index": 0, "item": {**item, "status": "in_progress", "content": []}},
              {"type": "response.content_part.added", **at, "part": {**part, "text": ""}},
              *({"type": "response.output_text.delta", **at, "delta": piece, "logprobs": []} for piece in pieces),
              {"type": "response.output_text.done", **at, "text": text, "logprobs": []}, {"type": "response.content_part.done", **at, "part": part},
              {"type": "response.output_item.done", "output_index": 0, "item": item}, {"type": "response.completed", "response": response(item)}]
    return [{**event, "sequence_number": number} for number, event in enumerate(events)]


def completion(*texts, finish="stop", logprobs=None):
    return {"id": "cmpl-1", "object": "text_completion", "created": 1, "model": "m", "usage": USAGE, "choices": [
        {"index": i, "text": text, "logprobs": logprobs, "finish_reason": finish} for i, text in enumerate(texts)]}


def completion_chunks(*texts, finish="stop", size=4):
    """Chunks of several texts side by side."""
    def chunk(*choices, **more):
        return {"id": "cmpl-1", "object": "text_completion", "created": 1, "model": "m", "choices": list(choices), **more}
    parts = [(i, text[at:at + size]) for at in range(0, max(map(len, texts)), size) for i, text in enumerate(texts) if text[at:at + size]]
    return [*(chunk({"index": i, "text": part, "logprobs": None, "finish_reason": None}) for i, part in parts),
            *(chunk({"index": i, "text": "", "logprobs": None, "finish_reason": finish}) for i in range(len(texts))), chunk(usage=USAGE)]


def embeddings(body):
    given = body["input"] if isinstance(body["input"], list) else [body["input"]]
    return {"object": "list", "model": "m", "usage": {"prompt_tokens": 2, "total_tokens": 2}, "data": [
        {"object": "embedding", "index": i, "embedding": [float(len(str(one))), 0.25, -1.5]} for i, one in enumerate(given)]}
