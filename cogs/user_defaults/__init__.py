"""/me defaults: what a person gets where a request leaves it open."""
