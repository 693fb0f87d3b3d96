"""The settings inside pictures: those of other programs, one file each, and those written here."""

from engine.images.metadata.a1111 import parse_parameters
from engine.images.metadata.read import PROGRAMS, PictureSettings, read_settings, settings_text

__all__ = ["PROGRAMS", "PictureSettings", "parse_parameters", "read_settings", "settings_text"]
