"""The repeated blocks of a denoiser, compiled beside painting.

PyTorch can't compile on one thread while another one paints: while `torch.fx` traces, it replaces
`nn.Module.__call__` for all threads (`Tracer.trace`), and modules that are called meanwhile fail.
So another process compiles, with blocks of the same shape and no weights, and leaves what it
compiled in Inductor's cache on disk. From there it is loaded when the device is idle.
"""
