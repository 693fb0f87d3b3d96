"""Workers on other machines, with a real NATS server on the loopback."""
