"""The signed exchange document (protocol decision 1): header and body between domain types and exact bytes. Pure."""
