"""Words from pictures, and better words: models that write, beside the ones that paint."""
