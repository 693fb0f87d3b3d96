"""A job's message, from queued to the pictures: what it shows, and the ways that lead to it."""
