"""Telling people outside of the node, by webhook and e-mail, that a finding of class A opened."""
