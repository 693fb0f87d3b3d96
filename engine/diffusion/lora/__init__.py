"""LoRAs in a loaded pipeline: loading, batching, applying."""
