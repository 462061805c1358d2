"""What ends a run: something did not do what it was asked, so that no number of it would mean anything."""


class Failed(Exception):
    """Told to whoever runs the benchmark, without a trace."""
