"""From what members type to requests, and submitting them."""
