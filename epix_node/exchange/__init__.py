"""Documents in and out: writing own ones, checking others', and recording what either says. Sync; never commits."""
