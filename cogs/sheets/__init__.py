"""Comparison sheets: /grid, the axes, and the message of a sheet."""
