"""`tailrace demo`: the main job on a small shop, with a receiver on this machine."""
