"""The safety checker: a classifier that looks at finished pictures."""
