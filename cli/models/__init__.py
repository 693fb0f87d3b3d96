"""The commands after `models`: list, add, remove, plan, verify."""
