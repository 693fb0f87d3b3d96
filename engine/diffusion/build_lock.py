"""One builder at a time.

To make modules without weights, Diffusers and accelerate patch `nn.Module` for the whole process
while a pipeline is loaded: a module that another thread makes meanwhile would have no weights, and
two loads at once would leave the patch in place for good. Whoever makes modules holds this lock.
"""

import threading

BUILD_LOCK = threading.Lock()
