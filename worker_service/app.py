"""The worker as an ASGI application."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import AsyncGenerator

from fastapi import FastAPI

from worker_service import __version__, description, problems
from worker_service.agents.select import select_agent
from worker_service.guard import Guard
from worker_service.identity import read_identity
from worker_service.pool import Pool
from worker_service.redaction import Redactor
from worker_service.routes import router
from worker_service.settings import Settings, SettingsError
from worker_service.status import Worker


def create_app(settings: Settings) -> FastAPI:
    """The worker with these settings; its Pool is `app.state.worker.pool` while it runs.

    Raises:
        SettingsError: the agent's command line or the store's url is wrong.
    """
    agent = select_agent(settings)
    redactor = Redactor(settings.secrets(os.environ))
    journal = None
    if settings.worker_store:
        from worker_service.journal import Journal

        try:
            journal = Journal.open(settings.worker_store)
        except ValueError as error:
            raise SettingsError(f"WORKER_STORE: {error}") from error

    @contextlib.asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncGenerator[None, None]:
        identity = await asyncio.to_thread(read_identity, settings)
        pool = Pool(settings, agent, identity, redactor, journal)
        worker = app.state.worker = Worker(settings, pool)

        async def prepare() -> None:
            await asyncio.to_thread(pool.workspaces.delete_leftovers)
            pool.house.family.has_guests = True
            try:
                worker.agent_version = await asyncio.to_thread(agent.version)
            finally:
                pool.house.family.has_guests = False

        preparing = asyncio.create_task(prepare())
        try:
            yield
        finally:
            await pool.close()
            await asyncio.gather(preparing, return_exceptions=True)

    app = FastAPI(
        title="ccconsole worker",
        version=__version__,
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
    )
    problems.install(app)
    description.install(app)
    app.include_router(router)
    app.add_middleware(Guard, settings=settings)
    return app
