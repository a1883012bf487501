"""What this Party does: publish, withdraw, endorse, confirm, correct, look up, decide, alert. Sync, an act at a time."""
