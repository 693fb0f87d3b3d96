"""A job's message, from queued to painted: cards, buttons, delivery, updates."""
