"""A lock for building modules.

To build modules without weights, Diffusers and accelerate patch `nn.Module` for the whole process
while a pipeline is loaded. A module that another thread builds meanwhile would have no weights, and
two loads at once would leave the patch in place for good. Code that builds modules holds this lock.
"""

import threading

BUILD_LOCK = threading.Lock()
