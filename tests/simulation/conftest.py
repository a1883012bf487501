"""The keys of the offices that play a year are those of ``tests/acts``."""

from tests.acts.conftest import keys_of

__all__ = ["keys_of"]
