"""What the report of an audience may say: pooled over arms, or by coded arms. Not here: tables, pages."""
