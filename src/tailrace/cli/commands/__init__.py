"""The commands, grouped as `tailrace --help` shows them."""
