"""All that is tried."""

from tests.fuzz import files, messages, requests, stored, texts

TARGETS = (*texts.TARGETS, *files.TARGETS, *stored.TARGETS, *requests.TARGETS, *messages.TARGETS)
