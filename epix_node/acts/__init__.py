"""What this Party does: publish, withdraw, endorse, confirm, correct, look up, decide, alert. Sync, one act at a time."""
