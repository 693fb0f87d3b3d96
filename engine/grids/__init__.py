"""Comparison grids (X/Y): one picture for each pair of values, drawn together with labels."""
