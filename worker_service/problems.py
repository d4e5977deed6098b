"""Refusals as HTTP answers: RFC 9457 problem+json, also for what the framework itself refuses."""

from __future__ import annotations

import logging

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from worker_service.refusals import Refused, invalid
from worker_service.wire import Problem

logger = logging.getLogger(__name__)

MEDIA_TYPE = "application/problem+json"


def problem_response(problem: Problem) -> Response:
    """The problem as an answer."""
    headers = {"Cache-Control": "no-store"}
    if problem.retry_after is not None:
        headers["Retry-After"] = str(problem.retry_after)
    if problem.status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    body = problem.model_dump_json(by_alias=True, exclude_none=True)
    return Response(body, problem.status, headers, MEDIA_TYPE)


def install(app: FastAPI) -> None:
    """Make every refusal of `app` a problem."""

    @app.exception_handler(Refused)
    async def refused(request: Request, error: Refused) -> Response:
        return problem_response(error.problem)

    @app.exception_handler(RequestValidationError)
    async def invalid_parameter(request: Request, error: RequestValidationError) -> Response:
        first = error.errors()[0]
        return problem_response(invalid(str(first["loc"][-1]), str(first["msg"])).problem)

    @app.exception_handler(HTTPException)
    async def no_route(request: Request, error: HTTPException) -> Response:
        code = {404: "not_found", 405: "method_not_allowed"}.get(error.status_code, "error")
        detail = f"{request.method} {request.url.path}: {error.detail}"
        return problem_response(Refused(error.status_code, code, detail).problem)

    @app.exception_handler(Exception)
    async def broken(request: Request, error: Exception) -> Response:
        logger.error("%s %s failed", request.method, request.url.path, exc_info=error)
        detail = "An error inside the worker; its log has the details."
        return problem_response(Refused(500, "internal", detail).problem)
