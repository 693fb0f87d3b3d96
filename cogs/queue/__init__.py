"""/queue and /cancel."""
