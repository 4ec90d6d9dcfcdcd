"""The one error of the set-up. It cannot use the kernel's hierarchy: nothing is installed yet."""


class SetupError(Exception):
    """A step that failed: ``problem`` says what happened, ``next_step`` what the person should do."""

    def __init__(self, step: str, problem: str, next_step: str) -> None:
        super().__init__(problem)
        self.step = step
        self.problem = problem
        self.next_step = next_step

    def line(self) -> str:
        """The error as the one line that the person sees."""
        return f"setup: {self.step}: {self.problem} Next: {self.next_step}"
