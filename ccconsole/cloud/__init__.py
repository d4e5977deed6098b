"""The one client: Google's async clients in, `ccconsole.model` out; whoever answers, Google or the emulator.

The only package that imports google and grpc. Import it in a thread, after the first paint.
"""

from __future__ import annotations

import os
import warnings

# The C core writes its complaints to the terminal that the console draws on; read at grpc's first import.
os.environ.setdefault("GRPC_VERBOSITY", "NONE")
# Away from Google no metadata server answers; its three tries of three seconds are not worth the wait.
os.environ.setdefault("GCE_METADATA_TIMEOUT", "1")
os.environ.setdefault("GCE_METADATA_DETECT_RETRIES", "1")
# Said on the terminal that the console draws on; each call names its project itself.
warnings.filterwarnings("ignore", "Your application has authenticated using end user credentials")
