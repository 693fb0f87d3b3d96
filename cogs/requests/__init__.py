"""From what people type to requests, and their submission."""
