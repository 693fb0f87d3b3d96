"""The command line, called as it is called from a shell."""
