"""The services and steps of the stack, a module each. What does not belong here: supervising them."""
