"""What is drawn: widgets know the model and its formats, never the cloud, and do no I/O."""

from __future__ import annotations
