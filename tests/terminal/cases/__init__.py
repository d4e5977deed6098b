"""Short sequences and the screens they make, by ECMA-48, DEC, xterm and Unicode, never by our own output.

Where the documents are silent a real xterm was asked; what the documents and xterm leave open has no case.
"""

from __future__ import annotations

from tests.terminal.cases.case import SOURCES, Case
from tests.terminal.cases.characters import CHARACTERS
from tests.terminal.cases.editing import EDITING
from tests.terminal.cases.moving import MOVING
from tests.terminal.cases.printing import PRINTING
from tests.terminal.cases.scrolling import SCROLLING
from tests.terminal.cases.sequences import SEQUENCES

__all__ = ["CASES", "SOURCES", "Case"]

CASES: list[Case] = [*PRINTING, *MOVING, *EDITING, *SCROLLING, *CHARACTERS, *SEQUENCES]
