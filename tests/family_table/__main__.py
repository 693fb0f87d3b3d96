"""Rewrites the tables in `docs/models.md`: ``python -m tests.family_table``."""

from __future__ import annotations

from . import COLUMNS, with_tables

if __name__ == "__main__":
    for page in COLUMNS:
        page.write_text(with_tables(page), encoding="utf-8")
        print(page)
