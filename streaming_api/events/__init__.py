"""The door of events: what players and pages tell is checked, reduced and given to Kafka.

What does not belong here: the shapes of events (``mcsp.contracts.events``), and what is made of them.
"""
