"""The batch life cycles of Gemini, Mistral and xAI, for batch_server: how their batches, files and results look."""

import json
from datetime import datetime, timezone


def rfc3339(seconds):
    return datetime.fromtimestamp(seconds, timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def pairs(query):
    return dict(pair.split("=", 1) for pair in query.split("&") if pair)


def lines_of(content):
    return [json.loads(line) for line in content.decode().split("\n") if line]


def part_of(listed, after, limit, identity):
    """A page of a list, and whether there are more."""
    if after:
        listed = listed[[identity(one) for one in listed].index(after) + 1:]
    return listed[:limit], len(listed) > limit


class Gemini:
    prefix, fails = "batches/", {"error": (13, "Internal error"), "refused": (3, "temperature is not supported"),
                                 "expired": (4, "The batch expired"), "canceled": (1, "The batch was cancelled")}

    @staticmethod
    def shown(batch):
        state = {None: "RUNNING" if batch.polls > 1 else "PENDING", "completed": "SUCCEEDED", "failed": "FAILED", "expired": "EXPIRED",
                 "cancelled": "CANCELLED"}[batch.ended]
        output = {"responsesFile": f"files/out-{batch.id.removeprefix('batches/')}"} if batch.ended and batch.output else None
        shown = {"name": batch.id, "metadata": {
            "@type": "type.googleapis.com/google.ai.generativelanguage.v1main.GenerateContentBatch", "model": "models/m",
            "displayName": batch.metadata, "inputConfig": {"fileName": batch.file}, "createTime": rfc3339(batch.created),
            "batchStats": {"requestCount": str(len(batch.requests)), "successfulRequestCount": str(batch.answered)},
            "state": f"BATCH_STATE_{state}", "name": batch.id, **({"output": output} if output else {})}}
        if batch.ended:
            shown["done"] = True
        if batch.ended == "failed":
            shown["error"] = {"code": 3, "message": "; ".join(e["message"] for e in batch.server.errors)}
        elif output:
            shown["response"] = {"@type": "x", **output}
        return shown

    @staticmethod
    def result(batch, identity, body, what):
        if isinstance(what, dict):
            return {"key": identity, **what}
        if what == "filter":
            return {"key": identity, "response": {"promptFeedback": {"blockReason": "SAFETY"}, "usageMetadata": {"promptTokenCount": 1}}}
        if what:
            code, message = Gemini.fails[what]
            return {"key": identity, "error": {"code": code, "message": message}}
        batch.answered += 1
        return {"key": identity, "response": batch.server.gemini_answer(batch.metadata and "m", body)}

    @staticmethod
    def route(server, handler, method, path, query, body):
        """Below /gemini/: /v1beta/..., /upload/v1beta/files and /download/v1beta/files/ID:download."""
        parts = path.split("/")
        if path == "upload/v1beta/files" and handler.headers.get("X-Goog-Upload-Command") == "start":
            handler.more = [("X-Goog-Upload-URL", f"{server.url}/gemini/upload/v1beta/files?upload_id=u1&upload_protocol=resumable")]
            size = int(handler.headers["X-Goog-Upload-Header-Content-Length"])
            server.sessions.append((json.loads(body)["file"]["display_name"], size))
            return server.event("upload", body) or (200, b"")
        if path == "upload/v1beta/files" and handler.headers.get("X-Goog-Upload-Command") == "upload, finalize":
            if "upload_id=u1" not in query or server.sessions[-1][1] != len(body) or handler.headers["X-Goog-Upload-Offset"] != "0":
                return 400, {"error": {"code": 400, "message": "the upload is not what its session said"}}
            name = server.keep_file(body, "files/")
            return server.event("uploaded", name) or (200, {"file": {"name": name, "displayName": server.sessions[-1][0], "state": "ACTIVE"}})
        if parts[0] == "download":
            return server.event("download", path) or server.download(parts[-1].removesuffix(":download"), "batches/")
        path = path.removeprefix("v1beta/")
        if path.endswith(":generateContent"):
            return server.plain_call("gemini", json.loads(body))
        if path.endswith(":batchGenerateContent"):
            return server.event("create", json.loads(body)) or Gemini.create(server, json.loads(body)["batch"])
        if method == "GET" and path == "batches":
            return server.event("list", query) or (200, Gemini.page(server, query))
        batch = server.batches.get(path.removesuffix(":cancel"))
        if not batch:
            return 404, {"error": {"code": 404, "message": "Requested entity was not found.", "status": "NOT_FOUND"}}
        return server.one(batch, ["cancel" if path.endswith(":cancel") else ""], Gemini.shown)

    @staticmethod
    def create(server, asked):
        content = server.files.get(asked["input_config"]["file_name"])
        if content is None:
            return 404, {"error": {"code": 404, "message": "no such file"}}
        lines = lines_of(content)
        if any(set(line) != {"key", "request"} or "model" in line["request"] for line in lines):
            return 400, {"error": {"code": 400, "message": "invalid lines"}}
        batch = server.accept("gemini", [(line["key"], line["request"]) for line in lines], asked["input_config"]["file_name"],
                              asked["display_name"], Gemini.prefix)
        return server.event("created", batch.id) or (200, Gemini.shown(batch))

    @staticmethod
    def page(server, query):
        asked = pairs(query)
        some, more = part_of(server.listed("gemini"), (asked.get("pageToken") or "").replace("%2F", "/"), int(asked["pageSize"]), lambda b: b.id)
        return {"operations": [Gemini.shown(batch) for batch in some], **({"nextPageToken": some[-1].id} if more else {})}


class Mistral:
    @staticmethod
    def shown(batch):
        status = {None: "CANCELLATION_REQUESTED" if batch.cancelling else "RUNNING" if batch.polls > 1 else "QUEUED", "completed": "SUCCESS",
                  "failed": "FAILED", "expired": "TIMEOUT_EXCEEDED", "cancelled": "CANCELLED"}[batch.ended]
        ended = batch.ended and batch.ended != "failed"
        return {"id": batch.id, "object": "batch", "input_files": [batch.file], "metadata": batch.metadata, "endpoint": "/v1/chat/completions",
                "model": "m", "status": status, "created_at": int(batch.created), "total_requests": len(batch.requests),
                "completed_requests": batch.answered, "succeeded_requests": batch.answered, "failed_requests": len(batch.errors),
                "output_file": "out-" + batch.id if ended and batch.output else None,
                "error_file": "err-" + batch.id if ended and batch.errors else None,
                "errors": [{"message": e["message"], "count": 1} for e in batch.server.errors] if batch.ended == "failed" else []}

    @staticmethod
    def route(server, method, path, query, body):
        parts = path.split("/")
        if method == "POST" and path == "batch/jobs":
            return server.event("create", json.loads(body)) or Mistral.create(server, json.loads(body))
        if method == "GET" and path == "batch/jobs":
            asked, listed = pairs(query), server.listed("mistral")
            size, page = int(asked["page_size"]), int(asked["page"])
            return server.event("list", query) or (200, {"object": "list", "total": len(listed), "data": [
                Mistral.shown(batch) for batch in listed[page * size:(page + 1) * size]]})
        batch = server.batches.get(parts[2]) if len(parts) > 2 else None
        if not batch:
            return 404, {"message": "Batch job not found", "type": "not_found"}
        return server.one(batch, parts, Mistral.shown)

    @staticmethod
    def create(server, asked):
        content = server.files.get(asked["input_files"][0])
        if content is None or asked["endpoint"] != "/v1/chat/completions" or not asked.get("model"):
            return 422, {"detail": [{"loc": ["body"], "msg": "invalid job"}]}
        lines = lines_of(content)
        if any(set(line) != {"custom_id", "body"} or line["body"].get("stream") for line in lines):
            return 422, {"detail": "invalid lines"}
        batch = server.accept("mistral", [(line["custom_id"], {**line["body"], "model": asked["model"]}) for line in lines],
                              asked["input_files"][0], asked.get("metadata"))
        return server.event("created", batch.id) or (200, Mistral.shown(batch))


class Xai:
    @staticmethod
    def shown(batch):
        taken = len(batch.requests) if batch.polls > 1 or batch.ended else len(batch.requests) // 2   # the file's lines come in by and by
        done = len(batch.output) if batch.ended and batch.ended != "failed" else 0
        shown = {"batch_id": batch.id, "name": batch.metadata, "create_time": rfc3339(batch.created), "expire_time": None, "cancel_time": None,
                 "cancel_by_xai_message": None, "state": {"num_requests": taken, "num_pending": 0 if batch.ended else taken if batch.polls > 1 else 0,
                                                          "num_success": batch.answered, "num_error": done - batch.answered, "num_cancelled": 0}}
        if batch.ended in ("cancelled", "failed"):
            shown["cancel_time"] = rfc3339(batch.created)
        if batch.ended == "failed":
            shown["cancel_by_xai_message"] = "; ".join(e["message"] for e in batch.server.errors)
        return shown

    @staticmethod
    def result(batch, identity, body, what):
        shown = {"batch_request_id": identity}
        if isinstance(what, dict):
            return {**shown, **what}
        fails = {"error": (500, "Internal error"), "refused": (400, "temperature is not supported"), "filter": (400, "Content violates usage guidelines."),
                 "expired": (None, "expired"), "canceled": (None, "cancelled")}
        if what:
            code, message = fails[what]
            return {**shown, "batch_result": {"response": None, "error": {"code": code, "message": message}}}
        batch.answered += 1
        return {**shown, "batch_result": {"response": {"chat_get_completion": batch.server.openai_answer(body)}, "error": None}}

    @staticmethod
    def route(server, method, path, query, body):
        parts = path.split("/")
        if method == "POST" and path == "batches":
            return server.event("create", json.loads(body)) or Xai.create(server, json.loads(body))
        if method == "GET" and path == "batches":
            asked = pairs(query)
            some, more = part_of(server.listed("xai"), asked.get("pagination_token"), int(asked["limit"]), lambda b: b.id)
            return server.event("list", query) or (200, {"batches": [Xai.shown(b) for b in some], "pagination_token": some[-1].id if more else None})
        batch = server.batches.get(parts[1].removesuffix(":cancel"))
        if not batch:
            return 404, {"code": "Not found", "error": "batch not found"}
        if parts[-1] == "results":
            return server.event("download", path) or (200, Xai.results(batch, pairs(query)))
        return server.one(batch, ["cancel" if path.endswith(":cancel") else ""], Xai.shown)

    @staticmethod
    def create(server, asked):
        content = server.files.get(asked["input_file_id"])
        if content is None:
            return 400, {"code": "invalid", "error": "no such file"}
        lines = lines_of(content)
        if any(set(line) != {"custom_id", "method", "url", "body"} for line in lines):
            return 400, {"code": "invalid", "error": "invalid lines"}
        batch = server.accept("xai", [(line["custom_id"], line["body"]) for line in lines], asked["input_file_id"], asked["name"])
        return server.event("created", batch.id) or (200, Xai.shown(batch))

    @staticmethod
    def results(batch, asked):
        """Seven on a page, whatever is asked."""
        start = int(asked.get("pagination_token") or 0)
        text = ", ".join(batch.output[start:start + 7])
        more = f'"{start + 7}"' if start + 7 < len(batch.output) else "null"
        return f'{{"results": [{text}], "pagination_token": {more}}}'


KINDS = {"gemini": Gemini, "xai": Xai}
