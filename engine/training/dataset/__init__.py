"""What a LoRA is trained on: pictures and captions are found, looked at, and copied."""
