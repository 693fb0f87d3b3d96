"""What the benchmarks are about: speed, and memory on small cards."""
