"""``mcsp publish``: a client of the HTTP API like any other, for the demo, scripts and tests by hand.

``api`` (calls and errors), ``account`` (whose upload it is), ``transfer`` (parts), ``watch`` (until it
plays), ``report`` (what is shown). What does not belong here: anything the API does not offer to everyone.
"""
