"""`prompt` without a cloud in front: a process that runs the verb's own flow on the worker at a url.

Arguments: url, store or "", output format, task id, prompt.
"""

from __future__ import annotations

import asyncio
import sys

from ccconsole.cli import output, prompt
from ccconsole.cli.output import Format
from ccconsole.cli.show import Shown
from ccconsole.errors import ConsoleError
from tests.unit.workers import environment, service
from worker_service.wire import RunRequest

if __name__ == "__main__":
    url, store, form, task_id, text = sys.argv[1:]
    request = RunRequest(prompt=text, task_id=task_id)
    shown = Shown(Format(form))
    try:
        code = asyncio.run(prompt._follow(environment(store or None), service(url), request, shown))
    except ConsoleError as error:
        output.error(error)
        code = error.exit_code
    sys.exit(code)
