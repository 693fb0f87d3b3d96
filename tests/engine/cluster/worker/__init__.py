"""The worker's side, part by part."""
