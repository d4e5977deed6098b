"""Terminal output as the text it leaves behind: a line that was redrawn a hundred times is one line.

What somebody reads who scrolls back at the end: cursor moves, erasing and scrolling are carried out, colours
left out, and a full-screen program's screen is gone once it has left. The console has a whole terminal for
this, which the worker knows nothing of; a test holds this one to it.
"""

from __future__ import annotations

from worker_service.rendering.renderer import TextRenderer

__all__ = ["TextRenderer"]
