"""Identity: people, their passwords and sessions, and the tokens that other services check by themselves.

``endpoints`` (HTTP), ``schemas`` (its shapes), ``service`` (the descriptor), ``state`` (what it opens),
``accounts`` and ``sessions`` (the rules), ``repository`` (SQL), ``passwords``, ``tokens``, ``emails``.
What does not belong here: checking the tokens of callers (``streaming_api.frame.callers``).
"""
