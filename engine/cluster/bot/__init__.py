"""The bot's side: meeting workers, giving them jobs, taking what comes back."""
