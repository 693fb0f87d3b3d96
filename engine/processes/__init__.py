"""Processes beside the event loop: what holds up the interpreter or may crash runs in one."""
