"""The NATS server: running it, who may connect, and connecting to it."""
