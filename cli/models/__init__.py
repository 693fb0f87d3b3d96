"""The subcommands of `models`: list, add, remove, plan, verify."""
