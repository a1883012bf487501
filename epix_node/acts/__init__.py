"""What this Party does: publish, withdraw, report, look up, decide, alert. Sync, one whole act at a time."""
