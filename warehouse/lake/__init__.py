"""The lake: Delta tables on the object store. What does not belong here: who fills them (``collector``)."""
