"""XML signatures: making them, checking them, and what a check answers. The only room that knows signxml."""

import logging

# signxml writes each canonicalised document to its log at level DEBUG; documents never go to a log.
logging.getLogger("signxml").setLevel(logging.INFO)
