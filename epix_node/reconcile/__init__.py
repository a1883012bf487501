"""What the facts about a permit mean together: status, balances, findings. `record` is the only door for new facts."""
