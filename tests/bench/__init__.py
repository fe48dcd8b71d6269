"""Speed and memory, side by side with what a user would write instead.  Run: ``python -m tests.bench``."""
