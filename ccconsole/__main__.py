"""`python -m ccconsole`: the same as the `ccconsole` command."""

from __future__ import annotations

import sys

from ccconsole.cli import main

sys.exit(main())
