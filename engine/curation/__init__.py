"""Models that come and go while the program runs: looked at, planned for, added, removed."""
