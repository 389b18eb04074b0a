"""Leaders and followers in markets."""
