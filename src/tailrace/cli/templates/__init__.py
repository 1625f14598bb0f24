"""The files that `tailrace init` writes."""
