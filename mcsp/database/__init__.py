"""PostgreSQL: pools by role (``pool``), forward-only ``migrations``, and their command (``cli``).

What does not belong here: any SQL of a domain; it stands beside the function that runs it.
"""
