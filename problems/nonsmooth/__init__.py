"""A lower level with kinks: weighted l1 and group penalties."""
