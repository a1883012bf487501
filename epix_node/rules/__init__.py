"""Which rules of CITES a permit breaks (domain-rules 1). Rulesets are versioned data in `rulesets/`. Pure."""
