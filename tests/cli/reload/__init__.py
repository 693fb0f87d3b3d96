"""Tests of reading the settings again."""
