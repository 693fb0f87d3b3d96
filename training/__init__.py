"""How the built-in model `sketch` is made and evaluated: `python -m training --help`."""
