"""Templates of the page; a package, so that they are installed with it."""
