"""A federation on one machine: real nodes, real HTTP, and a story of trade and fraud that they have to tell apart."""
