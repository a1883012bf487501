"""Reference data: species and their listings, suspensions, quotas, reservations, operations. Loaders and look-ups."""
