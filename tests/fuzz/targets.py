"""All that is tried."""

from tests.fuzz import files, stored, texts

TARGETS = (*texts.TARGETS, *files.TARGETS, *stored.TARGETS)
