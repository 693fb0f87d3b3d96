"""/imagine: from a prompt to a job."""
