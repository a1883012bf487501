"""What this Party does: publish, withdraw, replace, endorse, confirm, correct, report a paper, alert. Sync, whole acts."""
