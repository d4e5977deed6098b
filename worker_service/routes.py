"""The worker's routes: HTTP in and out, nothing decided here."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Header, Query, Request, Response
from fastapi.responses import JSONResponse, PlainTextResponse, StreamingResponse

from worker_service import bodies, description, logs, refusals, status, streams
from worker_service.guard import caller
from worker_service.status import Worker
from worker_service.tasks import Task
from worker_service.transcript import MEDIA_TYPES, Format, transcript
from worker_service.wire import Control, TaskSummary

router = APIRouter()

_SSE = "text/event-stream"


def _worker(request: Request) -> Worker:
    worker: Worker = request.app.state.worker
    return worker


@router.get("/hello", summary="Who this worker is, and whether it is free")
async def hello(request: Request) -> dict[str, Any]:
    """Cheap; starts nothing."""
    return status.hello(_worker(request))


@router.get("/pty/status", summary="The terminals in use")
async def pty_status(request: Request) -> dict[str, Any]:
    """The running agents with their terminals."""
    return status.pty_status(_worker(request))


@router.get("/health/live", summary="Whether the process answers")
async def live() -> dict[str, str]:
    """Always ok: an answer is the proof."""
    return {"status": "ok"}


@router.get("/health/ready", summary="Whether new tasks are taken", responses=description.NOT_READY)
async def ready(request: Request) -> dict[str, str]:
    """Ok until the worker drains."""
    if _worker(request).pool.is_draining:
        raise refusals.draining()
    return {"status": "ok"}


@router.get("/metrics", summary="Figures in Prometheus's text format", response_class=PlainTextResponse)
async def metrics(request: Request) -> Response:
    """Counters since the start, and gauges of now."""
    return PlainTextResponse(status.metrics(_worker(request)), headers={"Cache-Control": "no-store"})


@router.post("/run", summary="Run a prompt", responses=description.RUN, openapi_extra=description.RUN_BODY)
async def run(
    request: Request, idempotency_key: Annotated[str | None, Header(description="Names the task")] = None
) -> Response:
    """Run a prompt and stay with it: its events as they come, or its result at the end.

    The same Idempotency-Key (or taskId) again attaches to the task while it runs, and gives its result later.
    """
    return await _start(request, None, idempotency_key)


@router.put(
    "/tasks/{task_id}",
    summary="Run a prompt under this id, or attach to it",
    responses=description.RUN,
    openapi_extra=description.RUN_BODY,
)
async def put_task(request: Request, task_id: str) -> Response:
    """As `POST /run`, with the task's id chosen by the caller."""
    return await _start(request, task_id, None)


@router.get("/tasks", summary="All tasks, newest first", responses=description.TASKS)
async def tasks(request: Request) -> Response:
    """Those of this instance, and those in the journal where there is a store."""
    found = await _worker(request).pool.summaries()
    return JSONResponse({"tasks": [summary.to_wire() for summary in found]})


@router.get("/tasks/{task_id}", summary="One task", responses=description.TASK)
async def task(request: Request, task_id: str) -> Response:
    """From this instance's memory, else from the journal."""
    found = await _worker(request).pool.find(task_id)
    return JSONResponse((found.record.summary() if isinstance(found, Task) else found).to_wire())


@router.get("/tasks/{task_id}/events", summary="A task's events", responses=description.EVENTS)
async def events(
    request: Request,
    task_id: str,
    after: Annotated[int | None, Query(ge=0, description="Only events behind this number")] = None,
    follow: Annotated[bool, Query(description="Whether to wait for further events")] = True,
    last_event_id: Annotated[int | None, Header(ge=0, description="As `after`; wins over it")] = None,
) -> Response:
    """A stream; 204 when the task has ended and nothing follows."""
    pool = _worker(request).pool
    since = last_event_id if last_event_id is not None else after or 0
    found = await pool.find(task_id)
    if isinstance(found, TaskSummary):
        if found.status.is_end and since >= found.last_seq > 0:
            return Response(status_code=204)
        journal = pool.journaled_events(task_id, since, follows=follow)
        return StreamingResponse(streams.journaled(journal), media_type=_SSE, headers=_headers(task_id))
    if found.log.is_closed and since >= found.log.last:
        return Response(status_code=204)
    content = streams.live(found, since, pool.past_events(found, since), follows=follow)
    if not follow:
        return StreamingResponse(content, media_type=_SSE, headers=_headers(task_id))
    return streams.ViewerResponse(found, content, _SSE, _headers(task_id))


@router.get("/tasks/{task_id}/transcript", summary="A task's output", responses=description.TRANSCRIPT)
async def task_transcript(
    request: Request, task_id: str, format: Annotated[Format, Query()] = "text"
) -> Response:
    """What it has printed so far: plain, with its terminal codes, as events, or as an asciicast."""
    pool = _worker(request).pool
    found = await pool.find(task_id)
    summary = found.record.summary() if isinstance(found, Task) else found
    if isinstance(found, Task) and (found.log.first == 1 or pool.journal is None):
        said = streams.each(found.log.held())
    else:
        said = pool.journaled_events(task_id, 0, follows=False)
    writer = transcript(
        format, task_id=task_id, began=summary.created_at, columns=summary.cols, rows=summary.rows
    )
    written = streams.written(said, writer)
    return StreamingResponse(written, media_type=MEDIA_TYPES[format], headers=streams.HEADERS)


@router.post("/tasks/{task_id}/cancel", summary="Cancel a task", **description.CONTROL)
async def cancel(request: Request, task_id: str) -> Response:
    """Interrupt it, then SIGTERM, then SIGKILL; `mode` says where to begin."""
    return await _control(request, task_id, "cancel")


@router.post("/tasks/{task_id}/input", summary="Type into a task's terminal", **description.CONTROL)
async def type_input(request: Request, task_id: str) -> Response:
    """`data`, in `encoding`, to a task in interactive mode."""
    return await _control(request, task_id, "input")


@router.post("/tasks/{task_id}/resize", summary="Resize a task's terminal", **description.CONTROL)
async def resize(request: Request, task_id: str) -> Response:
    """To `cols` by `rows`."""
    return await _control(request, task_id, "resize")


@router.post("/tasks/{task_id}/drive", summary="Take over a task's terminal", **description.CONTROL)
async def drive(request: Request, task_id: str) -> Response:
    """From whoever has it: from then on only this actor's `console` types and resizes."""
    return await _control(request, task_id, "drive")


@router.post("/tasks/{task_id}/answer", summary="Answer a permission prompt", **description.CONTROL)
async def answer(request: Request, task_id: str) -> Response:
    """`behavior` (allow, allow_session, deny) for `permissionId`."""
    return await _control(request, task_id, "answer")


async def _start(request: Request, path_id: str | None, key: str | None) -> Response:
    pool = _worker(request).pool
    order, ignored = bodies.run_request(await bodies.read_object(request))
    task_id = bodies.task_id(order, path_id=path_id, key=key)
    claimed = (order.metadata or {}).get("actor")
    started = await pool.start(
        order,
        task_id,
        actor=caller(request.headers) or (claimed[:200] if isinstance(claimed, str) else None),
        trace_id=logs.current_trace.get() or None,
        ignored_fields=ignored,
    )
    headers = _headers(task_id)
    is_stream = _SSE in request.headers.get("accept", "")
    if isinstance(started, Task):
        past = pool.past_events(started, 0)
        content = streams.live(started, 0, past) if is_stream else streams.held(started)
        return streams.ViewerResponse(started, content, _SSE if is_stream else "application/json", headers)
    journal = pool.journaled_events(task_id, 0, follows=True)
    elsewhere = streams.journaled(journal) if is_stream else streams.journaled_result(started, journal)
    return StreamingResponse(elsewhere, media_type=_SSE if is_stream else "application/json", headers=headers)


async def _control(request: Request, task_id: str, action: str) -> Response:
    pool = _worker(request).pool
    has_body = request.headers.get("content-length", "0") != "0" or "transfer-encoding" in request.headers
    fields = await bodies.read_object(request) if has_body else {}
    email = caller(request.headers)
    control = bodies.checked(Control, {**fields, "action": action, **({"actor": email} if email else {})})
    found = pool.get(task_id)
    if found is None:
        n = await pool.send(task_id, control)
        said = {"action": action, "actor": control.actor, "n": n, "accepted": True}
        return JSONResponse(said, 202, headers=streams.HEADERS)
    if found.is_ended:
        raise refusals.task_ended(task_id)
    done = found.control(control)
    if not done["ok"]:
        raise refusals.Refused(409, "control_refused", str(done["error"]), task_id=task_id)
    return JSONResponse(done, headers=streams.HEADERS)


def _headers(task_id: str) -> dict[str, str]:
    return {**streams.HEADERS, "Location": f"/tasks/{task_id}", "X-Task-Id": task_id}
