"""Measurements of Atelier against plain Diffusers; run them as `python -m benchmarks.NAME`."""

import time

STARTED = time.monotonic()
"""When the program began: what it imports takes seconds, too."""
