"""The worker's side: its jobs, their files, when it pauses, and its line to the bot."""
