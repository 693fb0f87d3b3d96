"""Random inputs for all that reads what strangers write; `python -m tests.fuzz` tries for long."""
