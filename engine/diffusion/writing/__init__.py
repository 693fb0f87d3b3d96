"""Models of Transformers that write: what a picture shows, and better prompts."""
