"""`backup`, `restore` and `data`: copies of the data folder, and what takes how much."""
