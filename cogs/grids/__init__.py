"""/grid: X/Y comparison grids, their axes and messages."""
