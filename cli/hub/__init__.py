"""`hub`: the account on the Hub, its cache, and publishing. One command a file."""
