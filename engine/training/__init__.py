"""LoRAs of one's own: pictures and captions, plans, and trainings beside painting."""
