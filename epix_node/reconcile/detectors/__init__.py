"""One module per pattern of ``domain-rules.md`` 2.4; each is a function of a case and a view."""
