"""How the built-in model `sketch` is made and judged: `python -m training --help`."""
