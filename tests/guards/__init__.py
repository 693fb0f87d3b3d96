"""What is still to be registered after a change: ``python -m tests.guards`` lists all of it."""
