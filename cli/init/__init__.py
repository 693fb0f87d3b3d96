"""`init`: a guide from a bare checkout to a bot that can run."""
