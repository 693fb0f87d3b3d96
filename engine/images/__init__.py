"""Pictures on disk and in memory: output, metadata, uploads, masks, canvases."""
