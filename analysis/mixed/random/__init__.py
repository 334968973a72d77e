"""Random effects: what was asked, where it acts, and the likelihood with them."""
