"""Jobs: requests, the fair queue, events, time left, limits."""
