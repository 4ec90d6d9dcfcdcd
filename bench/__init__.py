"""What `make bench` measures: each file `bench_*.py` holds benches about one thing.

A bench is a function marked with ``@bench``; it gives rows (name, value, unit, goal). Nothing else has to
be registered. Belongs here: measuring. Does not belong here: promises (those are tests, and tests never
look at the clock).
"""
