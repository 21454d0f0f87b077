"""Taggers with planted mechanisms, proven by intervention, and which attribution method finds them."""
