"""What people take away to compute with: results, analysis set, its dictionary. Not here: pages, writing files."""
